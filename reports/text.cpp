#include "reports/text.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "scenarios/utf8.hpp"

namespace reports {
namespace {

// Four significant digits, without exponent for what people read.
std::string digits(double value) {
  const double size = std::abs(value);
  const int decimals = size >= 1000.0 ? 0 : size >= 100.0 ? 1 : size >= 10.0 ? 2 : 3;
  return fmt::format("{:.{}f}", value, decimals);
}

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
}

}  // namespace

std::string time_text(sim::Time time) {
  const double s = exact_seconds(time);
  const double size = std::abs(s);
  if (time == sim::Time::zero()) return "0 s";
  if (size >= 1.0) return digits(s) + " s";
  if (size >= 1e-3) return digits(s * 1e3) + " ms";
  if (size >= 1e-6) return digits(s * 1e6) + " us";
  return digits(s * 1e9) + " ns";
}

std::string signed_time_text(sim::Time time) {
  if (time < sim::Time::zero()) return "-" + time_text(sim::Time::zero() - time);
  return (time > sim::Time::zero() ? "+" : "") + time_text(time);
}

std::string gib_text(sim::Bytes amount) { return fmt::format("{:.2f} GiB", amount.gib()); }

std::string percent_text(double share) { return fmt::format("{:.1f} %", share * 100.0); }

std::string grouped(std::int64_t count) {
  std::string text = fmt::format("{}", count);
  const std::size_t first = text.front() == '-' ? 1 : 0;
  for (std::size_t at = text.size(); at > first + 3;) {
    at -= 3;
    text.insert(at, 1, ',');
  }
  return text;
}

std::string si_text(double value, std::string_view unit) {
  constexpr std::array<std::string_view, 9> prefixes{"", "k", "M", "G", "T", "P", "E", "Z", "Y"};
  std::size_t step = 0;
  while (std::abs(value) >= 1000.0 && step + 1 < prefixes.size()) {
    value /= 1000.0;
    ++step;
  }
  return fmt::format("{} {}{}", digits(value), prefixes[step], unit);
}

std::string_view source_text(collectives::PriceSource source) {
  switch (source) {
    case collectives::PriceSource::measured:
      return "measured";
    case collectives::PriceSource::scaled:
      return "scaled from another group size";
    case collectives::PriceSource::model:
      break;
  }
  return "model";
}

bool device_is_calibrated(const scenarios::Scenario& scenario) {
  for (const auto& item : scenario.resolved) {
    if (item.key == "cluster.device.peak") return item.origin.starts_with("calibration ");
  }
  return false;
}

std::string csv_cell(std::string_view text) {
  std::string cell = scenarios::printable(text);
  if (!cell.empty() && std::string_view("=+-@\t\r").find(cell.front()) != std::string_view::npos) {
    cell.insert(0, 1, '\'');
  }
  if (cell.find_first_of("\",\n\r;") == std::string::npos) return cell;
  replace_all(cell, "\"", "\"\"");
  return "\"" + cell + "\"";
}

std::string script_safe(std::string_view json) {
  std::string text(json);
  replace_all(text, "&", "\\u0026");
  replace_all(text, "<", "\\u003c");
  replace_all(text, ">", "\\u003e");
  replace_all(text, "\xE2\x80\xA8", "\\u2028");
  replace_all(text, "\xE2\x80\xA9", "\\u2029");
  return text;
}

std::string html_text(std::string_view text) {
  std::string out = scenarios::printable(text);
  replace_all(out, "&", "&amp;");
  replace_all(out, "<", "&lt;");
  replace_all(out, ">", "&gt;");
  replace_all(out, "\"", "&quot;");
  replace_all(out, "'", "&#39;");
  return out;
}

}  // namespace reports
