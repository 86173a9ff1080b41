// Values as YAML text that the reader reads back as the same values.
#include <fmt/format.h>

#include "scenarios/calibration.hpp"
#include "scenarios/convert.hpp"
#include "scenarios/keys.hpp"

namespace scenarios {
namespace {

// One line in flow style: {a: 1, b: 2}. Members that equal a fresh object's are left out.
template <class T>
std::string flow_mapping(const T& value, std::span<const Key<T>> table) {
  const T fresh{};
  std::string text;
  for (const Key<T>& key : table) {
    const auto shown = key.print(value, key.info);
    if (!shown || shown == key.print(fresh, key.info)) continue;
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", key.info.path, *shown);
  }
  return "{" + text + "}";
}

template <class T>
std::optional<std::string> flow_list(const std::vector<T>& values, std::span<const Key<T>> table) {
  if (values.empty()) return std::nullopt;
  std::string text;
  for (const T& value : values) {
    text += fmt::format("{}{}", text.empty() ? "" : ", ", flow_mapping(value, table));
  }
  return "[" + text + "]";
}

}  // namespace

std::string yaml_text(const std::string& text) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./+ ";
  const bool safe = text.find_first_not_of(plain) == std::string::npos && !text.empty() &&
                    std::isalpha(static_cast<unsigned char>(text.front())) != 0 &&
                    text.back() != ' ' && text != "true" && text != "false" && text != "null";
  if (safe) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

std::string print_value(std::int64_t value, const KeyInfo&) { return fmt::format("{}", value); }
std::string print_value(int value, const KeyInfo&) { return fmt::format("{}", value); }
std::string print_value(std::uint32_t value, const KeyInfo&) { return fmt::format("{}", value); }
std::string print_value(std::uint64_t value, const KeyInfo&) { return fmt::format("{}", value); }
std::string print_value(bool value, const KeyInfo&) { return value ? "true" : "false"; }

std::string print_value(double value, const KeyInfo& info) {
  return print_quantity(value, info.dimension);
}

std::optional<std::string> print_value(const std::string& value, const KeyInfo&) {
  if (value.empty()) return std::nullopt;
  return yaml_text(value);
}

std::string print_value(sim::Bytes value, const KeyInfo&) {
  return print_quantity(value.as_double(), Dimension::bytes);
}

std::string print_value(sim::Time value, const KeyInfo&) {
  return print_quantity(static_cast<double>(value.count()), Dimension::time);
}

std::string print_value(sim::Bandwidth value, const KeyInfo&) {
  return print_quantity(value.bytes_per_second(), Dimension::bandwidth);
}

std::string print_value(sim::FlopRate value, const KeyInfo&) {
  return print_quantity(value.per_second(), Dimension::flop_rate);
}

std::optional<std::string> print_value(const std::vector<std::int64_t>& value, const KeyInfo&) {
  if (value.empty()) return std::nullopt;
  return fmt::format("[{}]", fmt::join(value, ", "));
}

std::optional<std::string> print_value(const std::vector<std::string>& value, const KeyInfo&) {
  if (value.empty()) return std::nullopt;
  std::string text;
  for (const std::string& each : value) text += (text.empty() ? "[" : ", ") + yaml_text(each);
  return text + "]";
}

std::optional<std::string> print_value(const std::vector<BlockDraft>& value, const KeyInfo&) {
  return flow_list(value, block_keys());
}

std::optional<std::string> print_value(const std::vector<models::ListedOperator>& value,
                                       const KeyInfo&) {
  return flow_list(value, operator_keys());
}

std::optional<std::string> print_value(const std::vector<strategies::Faults::SlowRank>& value,
                                       const KeyInfo&) {
  return flow_list(value, slow_rank_keys());
}

std::optional<std::string> print_value(const std::vector<strategies::Faults::SlowLink>& value,
                                       const KeyInfo&) {
  return flow_list(value, slow_link_keys());
}

std::optional<std::string> print_value(const std::vector<collectives::FitSegment>& value,
                                       const KeyInfo&) {
  return flow_list(value, segment_keys());
}

std::optional<std::string> print_value(const std::map<std::string, std::string>& value,
                                       const KeyInfo&) {
  if (value.empty()) return std::nullopt;
  std::string text;
  for (const auto& [path, item] : value) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", path, item);
  }
  return "{" + text + "}";
}

std::optional<std::string> print_value(const std::map<std::string, std::vector<std::string>>& value,
                                       const KeyInfo&) {
  if (value.empty()) return std::nullopt;
  std::string text;
  for (const auto& [path, items] : value) {
    text += fmt::format("{}{}: [{}]", text.empty() ? "" : ", ", path, fmt::join(items, ", "));
  }
  return "{" + text + "}";
}

}  // namespace scenarios
