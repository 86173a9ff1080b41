#include "scenarios/convert.hpp"

#include <cmath>

#include "scenarios/utf8.hpp"

namespace scenarios {
namespace {

constexpr std::size_t kMaxTextLength = 1024;

void out_of_range(const Node& node, const KeyInfo& info, ReadContext& context) {
  const auto show = [&](double limit) { return print_quantity(limit, info.dimension); };
  std::string allowed;
  if (std::isinf(info.range.max)) {
    allowed =
        fmt::format("{} {}", info.range.above_min ? "more than" : "at least", show(info.range.min));
  } else {
    allowed = fmt::format("from {} to {}", show(info.range.min), show(info.range.max));
    if (info.range.above_min) {
      allowed =
          fmt::format("more than {} and at most {}", show(info.range.min), show(info.range.max));
    }
  }
  if (info.range.or_zero) allowed += ", or 0";
  context.diagnostics.error(node.at, std::string(info.path),
                            fmt::format("`{}` is out of range: {}", info.path, node.text),
                            fmt::format("allowed: {}", allowed));
}

bool in_range(double value, const Range& range) {
  if (range.or_zero && value == 0.0) return true;
  return value <= range.max && (range.above_min ? value > range.min : value >= range.min);
}

// The number of a scalar in base units; nothing when it is none (reported).
template <class T>
std::optional<T> number_of(const Node& node, const KeyInfo& info, ReadContext& context,
                           std::string_view expected, Parsed<T> (*parse)(std::string_view)) {
  if (!node.is_scalar() || (node.quoted && info.dimension == Dimension::none)) {
    wrong_type(node, info, context, expected,
               node.is_scalar() ? "remove the quotes" : std::string());
    return std::nullopt;
  }
  const Parsed<T> parsed = parse(node.text);
  if (!parsed.value) {
    context.diagnostics.error(node.at, std::string(info.path),
                              fmt::format("`{}`: {}", info.path, parsed.message), parsed.hint);
    return std::nullopt;
  }
  if (!in_range(static_cast<double>(*parsed.value), info.range)) {
    out_of_range(node, info, context);
    return std::nullopt;
  }
  return parsed.value;
}

template <Dimension D>
Parsed<double> parse_as(std::string_view text) {
  return parse_quantity(text, D);
}

std::optional<double> quantity_of(const Node& node, const KeyInfo& info, ReadContext& context) {
  using Parser = Parsed<double> (*)(std::string_view);
  constexpr Parser parsers[] = {
      parse_number,
      parse_as<Dimension::bytes>,
      parse_as<Dimension::bandwidth>,
      parse_as<Dimension::time>,
      parse_as<Dimension::flop_rate>,
      parse_as<Dimension::frequency>,
      parse_as<Dimension::power>,
      parse_as<Dimension::price>,
  };
  const std::string expected =
      info.dimension == Dimension::none
          ? "a number"
          : fmt::format("a number with its unit, as {}", unit_examples(info.dimension));
  return number_of<double>(node, info, context, expected,
                           parsers[static_cast<std::size_t>(info.dimension)]);
}

std::optional<std::int64_t> integer_of(const Node& node, const KeyInfo& info,
                                       ReadContext& context) {
  return number_of<std::int64_t>(node, info, context, "a whole number", parse_integer);
}

}  // namespace

void wrong_type(const Node& node, const KeyInfo& info, ReadContext& context,
                std::string_view expected, std::string hint) {
  context.diagnostics.error(
      node.at, std::string(info.path),
      fmt::format("`{}` must be {}, found {}", info.path, expected, describe(node)),
      node.is_null() ? "give a value, or leave the key out" : std::move(hint));
}

bool convert(const Node& node, const KeyInfo& info, ReadContext& context, std::int64_t& out) {
  const auto value = integer_of(node, info, context);
  out = value.value_or(0);
  return value.has_value();
}

bool convert(const Node& node, const KeyInfo& info, ReadContext& context, int& out) {
  const auto value = integer_of(node, info, context);
  out = static_cast<int>(value.value_or(0));  // the ranges of the table fit an int
  return value.has_value();
}

bool convert(const Node& node, const KeyInfo& info, ReadContext& context, std::uint32_t& out) {
  const auto value = integer_of(node, info, context);
  out = static_cast<std::uint32_t>(value.value_or(0));
  return value.has_value();
}

bool convert(const Node& node, const KeyInfo& info, ReadContext& context, std::uint64_t& out) {
  const auto value = integer_of(node, info, context);
  out = static_cast<std::uint64_t>(value.value_or(0));
  return value.has_value();
}

bool convert(const Node& node, const KeyInfo& info, ReadContext& context, double& out) {
  const auto value = quantity_of(node, info, context);
  out = value.value_or(0.0);
  return value.has_value();
}

bool convert(const Node& node, const KeyInfo& info, ReadContext& context, bool& out) {
  if (node.is_scalar() && !node.quoted && (node.text == "true" || node.text == "false")) {
    out = node.text == "true";
    return true;
  }
  wrong_type(node, info, context, "true or false", "write true or false");
  return false;
}

bool convert(const Node& node, const KeyInfo& info, ReadContext& context, std::string& out) {
  if (!info.choices.empty()) {
    const auto index = convert_choice(node, info, context);
    if (index) out = info.choices[*index];
    return index.has_value();
  }
  if (!node.is_scalar() || node.text.empty()) {
    wrong_type(node, info, context, "text");
    return false;
  }
  const std::u32string points = decode_lossy(node.text);
  const auto limit =
      std::isinf(info.range.max) ? kMaxTextLength : static_cast<std::size_t>(info.range.max);
  if (points.size() > limit) {
    context.diagnostics.error(
        node.at, std::string(info.path),
        fmt::format("`{}` is too long: {} characters", info.path, points.size()),
        fmt::format("at most {}", limit));
    return false;
  }
  if (encode(points) != node.text) {
    context.diagnostics.error(node.at, std::string(info.path),
                              fmt::format("`{}` contains control characters", info.path),
                              "write plain text");
    return false;
  }
  out = node.text;
  return true;
}

bool convert(const Node& node, const KeyInfo& info, ReadContext& context, sim::Bytes& out) {
  const auto value = quantity_of(node, info, context);
  if (value) out = sim::Bytes{std::llround(*value)};
  return value.has_value();
}

bool convert(const Node& node, const KeyInfo& info, ReadContext& context, sim::Time& out) {
  const auto value = quantity_of(node, info, context);
  if (value) out = sim::Time::ps(std::llround(*value));
  return value.has_value();
}

bool convert(const Node& node, const KeyInfo& info, ReadContext& context, sim::Bandwidth& out) {
  const auto value = quantity_of(node, info, context);
  if (value) out = sim::Bandwidth{*value};
  return value.has_value();
}

bool convert(const Node& node, const KeyInfo& info, ReadContext& context, sim::FlopRate& out) {
  const auto value = quantity_of(node, info, context);
  if (value) out = sim::FlopRate{*value};
  return value.has_value();
}

std::optional<std::size_t> convert_choice(const Node& node, const KeyInfo& info,
                                          ReadContext& context) {
  if (node.is_scalar()) {
    const auto found = std::find(info.choices.begin(), info.choices.end(), node.text);
    if (found != info.choices.end()) return found - info.choices.begin();
  }
  std::string list;
  for (const std::string_view choice : info.choices) {
    list += fmt::format("{}{}", list.empty() ? "" : " | ", choice);
  }
  if (!node.is_scalar()) {
    wrong_type(node, info, context, "one word", "one of " + list);
    return std::nullopt;
  }
  const std::string near = nearest(node.text, {info.choices.begin(), info.choices.end()});
  context.diagnostics.error(
      node.at, std::string(info.path), fmt::format("`{}` cannot be {}", info.path, describe(node)),
      near.empty() ? "one of " + list : fmt::format("did you mean {}? One of {}", near, list));
  return std::nullopt;
}

bool convert(const Node& node, const KeyInfo& info, ReadContext& context,
             std::vector<std::int64_t>& out) {
  if (!node.is_sequence()) {
    wrong_type(node, info, context, "a list of whole numbers", "write [1, 2]");
    return false;
  }
  bool good = true;
  for (const Node& item : node.items) good &= convert(item, info, context, out.emplace_back());
  return good;
}

bool convert(const Node& node, const KeyInfo& info, ReadContext& context,
             std::vector<std::string>& out) {
  if (!node.is_sequence()) {
    wrong_type(node, info, context, "a list of texts", "write [a, b]");
    return false;
  }
  bool good = true;
  for (const Node& item : node.items) good &= convert(item, info, context, out.emplace_back());
  return good;
}

}  // namespace scenarios
