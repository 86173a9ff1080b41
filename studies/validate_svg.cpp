// The scatter plot of a validation: predicted over measured step time, both logarithmic.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "studies/validate_output.hpp"

namespace studies {

namespace {

constexpr double kWidth = 900.0, kHeight = 720.0;
constexpr double kLeft = 70.0, kTop = 30.0, kSide = 620.0;  // the square that holds the points

// Okabe-Ito colours (distinguishable with colour blindness), repeated with another shape after 8.
constexpr std::array<const char*, 8> kColours = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                 "#E69F00", "#56B4E9", "#000000", "#999933"};

struct Scale {  // decades shown on both axes
  double low = 0.0, high = 1.0;
  double along(double value) const { return (std::log10(value) - low) / (high - low); }
  double x(double value) const { return kLeft + kSide * along(value); }
  double y(double value) const { return kTop + kSide * (1.0 - along(value)); }
};

Scale scale_of(const Validation& validation) {
  double low = 1e300, high = 1e-300;
  for (const Outcome& outcome : validation.outcomes) {
    if (!outcome.has_time()) continue;
    low = std::min({low, outcome.predicted_step_s, outcome.measured_step_s});
    high = std::max({high, outcome.predicted_step_s, outcome.measured_step_s});
  }
  if (low > high) return {-1.0, 2.0};
  return {std::floor(std::log10(low)),
          std::max(std::ceil(std::log10(high)), std::floor(std::log10(low)) + 1.0)};
}

// A line predicted = factor * measured, cut to the square.
std::string factor_line(const Scale& scale, double factor, const char* style) {
  const double low = std::pow(10.0, scale.low), high = std::pow(10.0, scale.high);
  const double first = std::max(low, low / factor), last = std::min(high, high / factor);
  return fmt::format("<line x1='{:.1f}' y1='{:.1f}' x2='{:.1f}' y2='{:.1f}' {}/>\n", scale.x(first),
                     scale.y(first * factor), scale.x(last), scale.y(last * factor), style);
}

std::string axes(const Scale& scale) {
  std::string svg =
      fmt::format("<rect x='{0}' y='{1}' width='{2}' height='{2}' fill='none' stroke='#444'/>\n",
                  kLeft, kTop, kSide);
  for (double decade = scale.low; decade <= scale.high; decade += 1.0) {
    const double value = std::pow(10.0, decade);
    svg += fmt::format("<line x1='{0:.1f}' y1='{1}' x2='{0:.1f}' y2='{2}' stroke='#ddd'/>\n",
                       scale.x(value), kTop, kTop + kSide);
    svg += fmt::format("<line x1='{1}' y1='{0:.1f}' x2='{2}' y2='{0:.1f}' stroke='#ddd'/>\n",
                       scale.y(value), kLeft, kLeft + kSide);
    svg += fmt::format("<text x='{:.1f}' y='{}' text-anchor='middle'>{:g} s</text>\n",
                       scale.x(value), kTop + kSide + 18.0, value);
    svg += fmt::format("<text x='{}' y='{:.1f}' text-anchor='end'>{:g} s</text>\n", kLeft - 6.0,
                       scale.y(value) + 4.0, value);
  }
  svg += fmt::format("<text x='{}' y='{}' text-anchor='middle'>measured step time</text>\n",
                     kLeft + kSide / 2.0, kTop + kSide + 40.0);
  svg += fmt::format(
      "<text transform='translate(16 {}) rotate(-90)' text-anchor='middle'>predicted step "
      "time</text>\n",
      kTop + kSide / 2.0);
  return svg;
}

std::string marker(double x, double y, std::size_t source) {
  const char* colour = kColours[source % kColours.size()];
  if (source / kColours.size() % 2 == 0) {
    return fmt::format("<circle cx='{:.1f}' cy='{:.1f}' r='2.6' fill='{}' fill-opacity='.55'/>", x,
                       y, colour);
  }
  if (source / kColours.size() % 4 == 1) {
    return fmt::format(
        "<rect x='{:.1f}' y='{:.1f}' width='5' height='5' fill='{}' fill-opacity='.55'/>", x - 2.5,
        y - 2.5, colour);
  }
  return fmt::format("<path d='M{:.1f} {:.1f}l3 5h-6z' fill='{}' fill-opacity='.55'/>", x, y - 3.0,
                     colour);
}

// The points of one source; empty where it has none.
std::string points(const Validation& validation, const Scale& scale, std::size_t source) {
  std::string svg;
  for (std::size_t i = 0; i < validation.records.size(); ++i) {
    const Outcome& outcome = validation.outcomes[i];
    if (validation.records[i].source != validation.sources[source].name || !outcome.has_time()) {
      continue;
    }
    svg += marker(scale.x(outcome.measured_step_s), scale.y(outcome.predicted_step_s), source);
    svg += '\n';
  }
  return svg;
}

}  // namespace

std::string validation_svg(const Validation& validation) {
  const Scale scale = scale_of(validation);
  std::string svg = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {0} {1}' width='{0}' height='{1}' "
      "font-family='sans-serif' font-size='12'>\n<rect width='100%' height='100%' "
      "fill='white'/>\n",
      kWidth, kHeight);
  svg += axes(scale);
  svg += factor_line(scale, 1.0, "stroke='#000'");
  svg += factor_line(scale, 1.1, "stroke='#888' stroke-dasharray='5 4'");
  svg += factor_line(scale, 1.0 / 1.1, "stroke='#888' stroke-dasharray='5 4'");
  double legend = kTop + 10.0;
  for (std::size_t source = 0; source < validation.sources.size(); ++source) {
    const std::string drawn = points(validation, scale, source);
    if (drawn.empty()) continue;
    svg += drawn + marker(kLeft + kSide + 22.0, legend, source);
    svg += fmt::format("<text x='{}' y='{}'>{}</text>\n", kLeft + kSide + 32.0, legend + 4.0,
                       validation.sources[source].name);
    legend += 19.0;
  }
  return svg + "</svg>\n";
}

}  // namespace studies
