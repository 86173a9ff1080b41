#include "reports/line_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "scenarios/utf8.hpp"

namespace reports {
namespace {

constexpr double kLeft = 90.0, kTop = 50.0, kWidth = 560.0, kHeight = 380.0;
constexpr double kSvgWidth = 900.0, kSvgHeight = 500.0;
constexpr int kTicks = 5;

// Okabe-Ito colours: distinguishable with colour blindness.
constexpr std::array<const char*, 8> kColours = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                 "#E69F00", "#56B4E9", "#000000", "#999933"};

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : scenarios::printable(text)) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

// Leading number of "8", "400 Gb/s"; none when there is none.
std::optional<double> number(const std::string& text) {
  double value = 0.0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc()) return std::nullopt;
  return value;
}

// Positions from 0 to 1: by logarithm where the values span more than a factor of four.
std::vector<double> positions(const std::vector<std::string>& labels) {
  std::vector<double> values;
  for (const std::string& label : labels) {
    const auto value = number(label);
    if (!value) break;
    values.push_back(*value);
  }
  const bool numbers = values.size() == labels.size() && labels.size() > 1;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  std::vector<double> out;
  if (!numbers || *low == *high) {
    const auto last = static_cast<double>(std::max<std::size_t>(1, labels.size() - 1));
    for (std::size_t i = 0; i < labels.size(); ++i) out.push_back(static_cast<double>(i) / last);
    return out;
  }
  const bool logarithmic = *low > 0.0 && *high > 4.0 * *low;
  for (const double value : values) {
    out.push_back(logarithmic ? std::log(value / *low) / std::log(*high / *low)
                              : (value - *low) / (*high - *low));
  }
  return out;
}

// The next 1, 2 or 5 times a power of ten.
double rounded_up(double value) {
  if (!(value > 0.0)) return 1.0;
  const double power = std::pow(10.0, std::floor(std::log10(value)));
  for (const double step : {1.0, 2.0, 5.0, 10.0}) {
    if (value <= step * power) return step * power;
  }
  return value;
}

std::string axes(const LineChart& chart, const std::vector<double>& at, double top) {
  std::string out =
      fmt::format("<rect x='{}' y='{}' width='{}' height='{}' fill='none' stroke='#444'/>\n", kLeft,
                  kTop, kWidth, kHeight);
  for (int t = 0; t <= kTicks; ++t) {
    const double y = kTop + kHeight * (1.0 - static_cast<double>(t) / kTicks);
    out += fmt::format("<line x1='{}' y1='{:.1f}' x2='{}' y2='{:.1f}' stroke='#ddd'/>\n", kLeft, y,
                       kLeft + kWidth, y);
    out += fmt::format("<text x='{}' y='{:.1f}' text-anchor='end'>{:g}</text>\n", kLeft - 8.0,
                       y + 4.0, top * t / kTicks);
  }
  for (std::size_t i = 0; i < at.size(); ++i) {
    out += fmt::format("<text x='{:.1f}' y='{}' text-anchor='middle'>{}</text>\n",
                       kLeft + kWidth * at[i], kTop + kHeight + 18.0, escaped(chart.x[i]));
  }
  out += fmt::format("<text x='{}' y='{}' text-anchor='middle'>{}</text>\n", kLeft + kWidth / 2.0,
                     kTop + kHeight + 42.0, escaped(chart.x_label));
  out +=
      fmt::format("<text transform='translate(22 {}) rotate(-90)' text-anchor='middle'>{}</text>\n",
                  kTop + kHeight / 2.0, escaped(chart.y_label));
  return out;
}

std::string line(const Line& line, std::size_t index, const std::vector<double>& at, double top) {
  const char* colour = kColours[index % kColours.size()];
  std::string path, marks;
  bool drawing = false;
  for (std::size_t i = 0; i < at.size(); ++i) {
    if (std::isnan(line.y[i])) {
      drawing = false;
      continue;
    }
    const double x = kLeft + kWidth * at[i];
    const double y = kTop + kHeight * (1.0 - line.y[i] / top);
    path += fmt::format("{}{:.1f} {:.1f}", drawing ? "L" : "M", x, y);
    marks += fmt::format("<circle cx='{:.1f}' cy='{:.1f}' r='3' fill='{}'/>", x, y, colour);
    drawing = true;
  }
  const double row = kTop + 12.0 + 18.0 * static_cast<double>(index);
  return fmt::format(
      "<path d='{0}' fill='none' stroke='{1}' stroke-width='2'/>{2}\n"
      "<text x='{3}' y='{4:.1f}' fill='{1}'>{5}</text>\n",
      path, colour, marks, kLeft + kWidth + 14.0, row, escaped(line.label));
}

}  // namespace

std::string svg(const LineChart& chart) {
  double most = 0.0;
  for (const Line& each : chart.lines) {
    for (const double y : each.y) {
      if (!std::isnan(y)) most = std::max(most, y);
    }
  }
  const double top = rounded_up(most);
  const std::vector<double> at = positions(chart.x);
  std::string out = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {0} {1}' width='{0}' height='{1}' "
      "font-family='sans-serif' font-size='12'>\n<rect width='{0}' height='{1}' fill='#fff'/>\n"
      "<text x='{2}' y='28' font-size='15'>{3}</text>\n",
      kSvgWidth, kSvgHeight, kLeft, escaped(chart.title));
  out += axes(chart, at, top);
  for (std::size_t i = 0; i < chart.lines.size(); ++i) out += line(chart.lines[i], i, at, top);
  return out + "</svg>\n";
}

}  // namespace reports
