// Node -> value of a member's type, by overload; and back, as YAML text.
#pragma once

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <concepts>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "scenarios/draft.hpp"
#include "scenarios/enum_names.hpp"
#include "scenarios/key_info.hpp"
#include "scenarios/quantity.hpp"

namespace scenarios {

bool convert(const Node&, const KeyInfo&, ReadContext&, std::int64_t& out);
bool convert(const Node&, const KeyInfo&, ReadContext&, int& out);
bool convert(const Node&, const KeyInfo&, ReadContext&, std::uint32_t& out);
bool convert(const Node&, const KeyInfo&, ReadContext&, std::uint64_t& out);
bool convert(const Node&, const KeyInfo&, ReadContext&, double& out);  // or a quantity
bool convert(const Node&, const KeyInfo&, ReadContext&, bool& out);
bool convert(const Node&, const KeyInfo&, ReadContext&, std::string& out);
bool convert(const Node&, const KeyInfo&, ReadContext&, sim::Bytes& out);
bool convert(const Node&, const KeyInfo&, ReadContext&, sim::Time& out);
bool convert(const Node&, const KeyInfo&, ReadContext&, sim::Bandwidth& out);
bool convert(const Node&, const KeyInfo&, ReadContext&, sim::FlopRate& out);
bool convert(const Node&, const KeyInfo&, ReadContext&, std::vector<std::int64_t>& out);
bool convert(const Node&, const KeyInfo&, ReadContext&, std::vector<std::string>& out);
bool convert(const Node&, const KeyInfo&, ReadContext&, std::vector<BlockDraft>& out);
bool convert(const Node&, const KeyInfo&, ReadContext&, std::vector<models::ListedOperator>& out);
bool convert(const Node&, const KeyInfo&, ReadContext&,
             std::vector<strategies::Faults::SlowRank>& out);
bool convert(const Node&, const KeyInfo&, ReadContext&,
             std::vector<strategies::Faults::SlowLink>& out);
bool convert(const Node&, const KeyInfo&, ReadContext&, std::vector<collectives::FitSegment>& out);
bool convert(const Node&, const KeyInfo&, ReadContext&, std::map<std::string, std::string>& out);
bool convert(const Node&, const KeyInfo&, ReadContext&,
             std::map<std::string, std::vector<std::string>>& out);

std::string print_value(std::int64_t value, const KeyInfo&);
std::string print_value(int value, const KeyInfo&);
std::string print_value(std::uint32_t value, const KeyInfo&);
std::string print_value(std::uint64_t value, const KeyInfo&);
std::string print_value(double value, const KeyInfo&);
std::string print_value(bool value, const KeyInfo&);
std::optional<std::string> print_value(const std::string& value, const KeyInfo&);
std::string print_value(sim::Bytes value, const KeyInfo&);
std::string print_value(sim::Time value, const KeyInfo&);
std::string print_value(sim::Bandwidth value, const KeyInfo&);
std::string print_value(sim::FlopRate value, const KeyInfo&);
std::optional<std::string> print_value(const std::vector<std::int64_t>& value, const KeyInfo&);
std::optional<std::string> print_value(const std::vector<std::string>& value, const KeyInfo&);
std::optional<std::string> print_value(const std::vector<BlockDraft>& value, const KeyInfo&);
std::optional<std::string> print_value(const std::vector<models::ListedOperator>&, const KeyInfo&);
std::optional<std::string> print_value(const std::vector<strategies::Faults::SlowRank>&,
                                       const KeyInfo&);
std::optional<std::string> print_value(const std::vector<strategies::Faults::SlowLink>&,
                                       const KeyInfo&);
std::optional<std::string> print_value(const std::vector<collectives::FitSegment>&, const KeyInfo&);
std::optional<std::string> print_value(const std::map<std::string, std::string>&, const KeyInfo&);
std::optional<std::string> print_value(const std::map<std::string, std::vector<std::string>>&,
                                       const KeyInfo&);

// Text as a YAML scalar: quoted where plain text would be read as something else.
std::string yaml_text(const std::string& text);

// Reports "`path` must be ..., found ...".
void wrong_type(const Node& node, const KeyInfo& info, ReadContext& context,
                std::string_view expected, std::string hint = {});
// Reads a word out of the choices of the row; the index, or nothing (reported).
std::optional<std::size_t> convert_choice(const Node& node, const KeyInfo& info,
                                          ReadContext& context);

template <class E>
requires std::is_enum_v<E>
bool convert(const Node& node, const KeyInfo& info, ReadContext& context, E& out) {
  const auto index = convert_choice(node, info, context);
  if (index) out = EnumNames<E>::table[*index].value;
  return index.has_value();
}

template <class E>
requires std::is_enum_v<E> std::string print_value(E value, const KeyInfo&) {
  return std::string(enum_name(value));
}

template <class E>
requires std::is_enum_v<E>
bool convert(const Node& node, const KeyInfo& info, ReadContext& context, std::vector<E>& out) {
  if (!node.is_sequence()) {
    wrong_type(node, info, context, "a list of words", "write [a, b]");
    return false;
  }
  bool good = true;
  for (const Node& item : node.items) good &= convert(item, info, context, out.emplace_back());
  return good;
}

template <class E>
requires std::is_enum_v<E> std::optional<std::string> print_value(const std::vector<E>& values,
                                                                  const KeyInfo&) {
  if (values.empty()) return std::nullopt;
  std::string text;
  for (const E value : values)
    text += fmt::format("{}{}", text.empty() ? "[" : ", ", enum_name(value));
  return text + "]";
}

// A mapping precision -> value; precisions that are not named keep the value's default (0).
template <class V>
bool convert(const Node& node, const KeyInfo& info, ReadContext& context,
             std::array<V, models::kPrecisions>& out) {
  if (!node.is_mapping()) {
    wrong_type(node, info, context, "a mapping from precision to value", "write {bf16: ...}");
    return false;
  }
  KeyInfo words = info;
  words.choices = enum_choices<models::Precision>();
  bool good = true;
  for (const Entry& entry : node.entries) {
    models::Precision precision{};
    Node word = scalar_node(entry.key, entry.key_at);
    good = convert(word, words, context, precision) && good;
    good = convert(entry.value, info, context, out[static_cast<std::size_t>(precision)]) && good;
  }
  return good;
}

template <class V>
std::optional<std::string> print_value(const std::array<V, models::kPrecisions>& values,
                                       const KeyInfo& info) {
  std::string text;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] == V{}) continue;
    text += fmt::format("{}{}: {}", text.empty() ? "{" : ", ",
                        enum_name(static_cast<models::Precision>(i)), print_value(values[i], info));
  }
  if (text.empty()) return std::nullopt;
  return text + "}";
}

template <class M>
struct ElementOf {
  using type = M;
};
template <class V, std::size_t N>
struct ElementOf<std::array<V, N>> {
  using type = V;
};
template <class V>
struct ElementOf<std::vector<V>> {
  using type = V;
};

template <class M>
constexpr Dimension value_dimension(Dimension stated) {
  using V = typename ElementOf<M>::type;
  if constexpr (std::is_same_v<V, sim::Bytes>) return Dimension::bytes;
  if constexpr (std::is_same_v<V, sim::Time>) return Dimension::time;
  if constexpr (std::is_same_v<V, sim::Bandwidth>) return Dimension::bandwidth;
  if constexpr (std::is_same_v<V, sim::FlopRate>) return Dimension::flop_rate;
  return stated;
}

template <class M>
constexpr ValueType value_type(Dimension dimension) {
  using V = typename ElementOf<M>::type;
  constexpr bool vector = std::is_same_v<M, std::vector<V>>;
  if constexpr (std::is_same_v<M, std::array<V, models::kPrecisions>>) {
    return ValueType::per_precision;
  } else if constexpr (vector && std::is_enum_v<V>) {
    return ValueType::choice_list;
  } else if constexpr (vector && std::is_integral_v<V>) {
    return ValueType::integer_list;
  } else if constexpr (std::is_same_v<M, std::vector<std::string>>) {
    return ValueType::text_list;
  } else if constexpr (vector) {
    return ValueType::list;
  } else if constexpr (std::is_same_v<M, bool>) {
    return ValueType::boolean;
  } else if constexpr (std::is_enum_v<M>) {
    return ValueType::choice;
  } else if constexpr (std::is_integral_v<M>) {
    return ValueType::integer;
  } else if constexpr (std::is_same_v<M, std::string>) {
    return ValueType::text;
  } else if constexpr (std::is_same_v<M, double>) {
    return dimension == Dimension::none ? ValueType::number : ValueType::quantity;
  } else if constexpr (value_dimension<M>(Dimension::none) != Dimension::none) {
    return ValueType::quantity;
  } else {
    return ValueType::free_mapping;
  }
}

template <class M>
std::span<const std::string_view> value_choices() {
  using V = typename ElementOf<M>::type;
  if constexpr (std::is_enum_v<V>) {
    return enum_choices<V>();
  } else {
    return {};
  }
}

}  // namespace scenarios
