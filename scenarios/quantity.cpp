#include "scenarios/quantity.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <span>
#include <system_error>

namespace scenarios {
namespace {

struct Unit {
  std::string_view symbol;
  double scale;         // to the base unit; powers of ten and two, exact
  bool printed = true;  // false: another spelling, only read
};

constexpr double kKi = 1024.0, kMi = kKi * kKi, kGi = kMi * kKi, kTi = kGi * kKi;

constexpr Unit kBytes[] = {{"B", 1},     {"kB", 1e3},  {"KB", 1e3, false}, {"MB", 1e6},
                           {"GB", 1e9},  {"TB", 1e12}, {"KiB", kKi},       {"MiB", kMi},
                           {"GiB", kGi}, {"TiB", kTi}};
constexpr Unit kBandwidth[] = {{"B/s", 1},
                               {"kB/s", 1e3},
                               {"MB/s", 1e6},
                               {"GB/s", 1e9},
                               {"TB/s", 1e12},
                               {"KiB/s", kKi, false},
                               {"MiB/s", kMi, false},
                               {"GiB/s", kGi, false},
                               {"TiB/s", kTi, false},
                               {"b/s", 0.125, false},
                               {"kb/s", 125.0, false},
                               {"Mb/s", 125e3, false},
                               {"Gb/s", 125e6, false},
                               {"Tb/s", 125e9, false},
                               {"bps", 0.125, false},
                               {"kbps", 125.0, false},
                               {"Mbps", 125e3, false},
                               {"Gbps", 125e6, false},
                               {"Tbps", 125e9, false},
                               {"bit/s", 0.125, false},
                               {"kbit/s", 125.0, false},
                               {"Mbit/s", 125e3, false},
                               {"Gbit/s", 125e6, false},
                               {"Tbit/s", 125e9, false},
                               {"Bps", 1, false},
                               {"kBps", 1e3, false},
                               {"MBps", 1e6, false},
                               {"GBps", 1e9, false},
                               {"TBps", 1e12, false}};
constexpr Unit kTime[] = {{"ps", 1},
                          {"ns", 1e3},
                          {"us", 1e6},
                          {"\xC2\xB5s", 1e6, false},
                          {"\xCE\xBCs", 1e6, false},
                          {"ms", 1e9},
                          {"s", 1e12},
                          {"min", 60e12, false},
                          {"h", 3600e12, false}};
constexpr Unit kFlopRate[] = {
    {"FLOP/s", 1},           {"kFLOP/s", 1e3},       {"MFLOP/s", 1e6},    {"GFLOP/s", 1e9},
    {"TFLOP/s", 1e12},       {"PFLOP/s", 1e15},      {"FLOPS", 1, false}, {"GFLOPS", 1e9, false},
    {"TFLOPS", 1e12, false}, {"PFLOPS", 1e15, false}};
constexpr Unit kFrequency[] = {{"MHz", 1}, {"Hz", 1e-6}, {"kHz", 1e-3}, {"GHz", 1e3}};
constexpr Unit kPower[] = {{"W", 1}, {"kW", 1e3}, {"MW", 1e6}};
constexpr Unit kPrice[] = {{"USD/h", 1}, {"$/h", 1, false}, {"USD/hour", 1, false}};

std::span<const Unit> units(Dimension dimension) {
  switch (dimension) {
    case Dimension::none:
      return {};
    case Dimension::bytes:
      return kBytes;
    case Dimension::bandwidth:
      return kBandwidth;
    case Dimension::time:
      return kTime;
    case Dimension::flop_rate:
      return kFlopRate;
    case Dimension::frequency:
      return kFrequency;
    case Dimension::power:
      return kPower;
    case Dimension::price:
      return kPrice;
  }
  return {};
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_letters(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Length of the number at the start of a text: digits, sign, point, exponent.
std::size_t number_length(std::string_view text) {
  std::size_t i = 0;
  const auto digits = [&] {
    while (i < text.size() && is_digit(text[i])) ++i;
  };
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
  digits();
  if (i < text.size() && text[i] == '.') {
    ++i;
    digits();
  }
  if (i + 1 < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    std::size_t k = i + 1;
    if (k < text.size() && (text[k] == '-' || text[k] == '+')) ++k;
    if (k < text.size() && is_digit(text[k])) {
      i = k;
      digits();
    }
  }
  return i;
}

std::string without_underscores(std::string_view text) {
  std::string plain;
  for (const char c : text) {
    if (c != '_' && c != ',') plain += c;
  }
  return plain;
}

// Spellings that other readers take for different numbers.
std::optional<std::pair<std::string, std::string>> odd_spelling(std::string_view text) {
  const std::string_view digits =
      text.starts_with('-') || text.starts_with('+') ? text.substr(1) : text;
  if (digits.starts_with("0x") || digits.starts_with("0X") || digits.starts_with("0o")) {
    return {{"only decimal numbers are understood", "write it in base ten"}};
  }
  if (digits.size() > 1 && digits[0] == '0' && is_digit(digits[1])) {
    return {{"a leading zero is ambiguous (octal or decimal?)", "write it without the zero"}};
  }
  const bool numeric = !digits.empty() && is_digit(digits[0]) &&
                       digits.find_first_not_of("0123456789_,.") == std::string_view::npos;
  if (numeric && digits.find_first_of("_,") != std::string_view::npos) {
    return {{"digits cannot be grouped", fmt::format("write {}", without_underscores(text))}};
  }
  return std::nullopt;
}

// std::from_chars takes no plus sign.
std::string_view without_plus(std::string_view text) {
  return text.starts_with('+') && !text.starts_with("+-") ? text.substr(1) : text;
}

template <class T>
Parsed<T> refuse(std::string message, std::string hint = {}) {
  return {std::nullopt, std::move(message), std::move(hint)};
}

Parsed<double> wrong_unit(std::string_view number, std::string_view unit, Dimension dimension) {
  const std::string_view examples = unit_examples(dimension);
  if (unit.empty()) {
    return refuse<double>(fmt::format("a unit is required after {}", number),
                          fmt::format("write {}", examples));
  }
  for (const Unit& known : units(dimension)) {
    if (!same_letters(known.symbol, unit)) continue;
    return refuse<double>(
        fmt::format("unit '{}' is ambiguous: upper and lower case differ in meaning", unit),
        fmt::format("write {}", examples));
  }
  for (const Unit& known : units(dimension)) {
    if (!known.symbol.ends_with("/s") || known.symbol.substr(0, known.symbol.size() - 2) != unit) {
      continue;
    }
    return refuse<double>(fmt::format("'{}' is an amount, not a rate: the /s is missing", unit),
                          fmt::format("write {}", examples));
  }
  return refuse<double>(fmt::format("unknown unit '{}'", unit), fmt::format("write {}", examples));
}

}  // namespace

Parsed<double> parse_number(std::string_view text) {
  if (const auto odd = odd_spelling(text)) return refuse<double>(odd->first, odd->second);
  const std::string_view digits = without_plus(text);
  double value = 0.0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error == std::errc::result_out_of_range) {
    return refuse<double>(fmt::format("{} is outside the range of numbers", text));
  }
  if (error != std::errc{} || end != digits.data() + digits.size()) {
    return refuse<double>(fmt::format("expected a number, found '{}'", text));
  }
  if (!std::isfinite(value)) return refuse<double>("expected a finite number");
  return {value, "", ""};
}

Parsed<std::int64_t> parse_integer(std::string_view text) {
  if (const auto odd = odd_spelling(text)) return refuse<std::int64_t>(odd->first, odd->second);
  const std::string_view digits = without_plus(text);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error == std::errc::result_out_of_range) {
    return refuse<std::int64_t>(fmt::format("{} is too large", text));
  }
  if (error == std::errc{} && end == digits.data() + digits.size()) return {value, "", ""};
  const Parsed<double> number = parse_number(text);
  if (!number.value) {
    return refuse<std::int64_t>(fmt::format("expected a whole number, found '{}'", text));
  }
  constexpr double exact = 9007199254740992.0;  // 2^53: beyond it a double may be another integer
  const bool exponent = text.find_first_of("eE") != std::string_view::npos;
  if (exponent && std::abs(*number.value) <= exact && std::trunc(*number.value) == *number.value) {
    return {static_cast<std::int64_t>(*number.value), "", ""};
  }
  return refuse<std::int64_t>(fmt::format("expected a whole number, found {}", text));
}

Parsed<double> parse_quantity(std::string_view text, Dimension dimension) {
  if (dimension == Dimension::none) return parse_number(text);
  const std::size_t length = number_length(text);
  const std::string_view number = text.substr(0, length);
  std::string_view unit = text.substr(length);
  unit.remove_prefix(std::min(unit.find_first_not_of(' '), unit.size()));
  const bool numeric = number.find_first_of("0123456789") != std::string_view::npos;
  const Parsed<double> value = parse_number(numeric ? number : text);
  if (!value.value) {
    return refuse<double>(
        value.message, value.hint.empty()
                           ? fmt::format("write a number and a unit: {}", unit_examples(dimension))
                           : value.hint);
  }
  for (const Unit& known : units(dimension)) {
    if (known.symbol != unit) continue;
    const double scaled = *value.value * known.scale;
    if (!std::isfinite(scaled)) return refuse<double>(fmt::format("{} is too large", text));
    return {scaled, "", ""};
  }
  return wrong_unit(number, unit, dimension);
}

std::string print_number(double value) {
  std::array<char, 64> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return std::string(buffer.data(), end);
}

std::string print_quantity(double base, Dimension dimension) {
  if (dimension == Dimension::none) return print_number(base);
  std::string best;
  for (const Unit& unit : units(dimension)) {
    if (!unit.printed) continue;
    const std::string number = print_number(base / unit.scale);
    const std::string text = fmt::format("{} {}", number, unit.symbol);
    const bool exact = parse_quantity(text, dimension).value == base;
    if (exact && (best.empty() || text.size() < best.size())) best = text;
  }
  return best;
}

std::string_view unit_examples(Dimension dimension) {
  switch (dimension) {
    case Dimension::none:
      return "";
    case Dimension::bytes:
      return "80 GiB (2^30 bytes) or 80 GB (10^9 bytes)";
    case Dimension::bandwidth:
      return "400 Gb/s (bits) or 50 GB/s (bytes)";
    case Dimension::time:
      return "2 us, 500 ns or 1.5 ms";
    case Dimension::flop_rate:
      return "989 TFLOP/s";
    case Dimension::frequency:
      return "1830 MHz";
    case Dimension::power:
      return "700 W";
    case Dimension::price:
      return "2.5 USD/h";
  }
  return "";
}

std::string quantity_pattern(Dimension dimension) {
  std::string symbols;
  for (const Unit& unit : units(dimension)) {
    if (!symbols.empty()) symbols += '|';
    for (const char c : unit.symbol) {
      if (c == '$') symbols += '\\';
      symbols += c;
    }
  }
  return fmt::format(R"(^[+]?[0-9]*\.?[0-9]+([eE][+-]?[0-9]+)? *({})$)", symbols);
}

}  // namespace scenarios
