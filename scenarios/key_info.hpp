// What a key is, without how it is stored.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/node.hpp"
#include "scenarios/quantity.hpp"
#include "scenarios/source.hpp"

namespace scenarios {

struct Range {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool above_min = false;  // the minimum itself is not allowed
  bool or_zero = false;    // 0 is, though below the minimum
};

enum class ValueType : std::uint8_t {
  integer,
  number,
  boolean,
  text,
  choice,
  quantity,
  integer_list,
  text_list,
  choice_list,
  per_precision,  // a mapping precision -> value
  list,           // of mappings
  free_mapping    // keys are scenario keys
};

struct KeyInfo {
  std::string_view path;      // dotted
  std::string_view fallback;  // the default: a value, or where it comes from
  std::string_view doc;
  Range range;  // in the base unit of the dimension
  ValueType type = ValueType::text;
  Dimension dimension = Dimension::none;
  std::span<const std::string_view> choices;
};

struct ReadContext {
  Diagnostics& diagnostics;
  // Places of the keys in `search:`, as search.fixed.strategy.tp; null = not wanted.
  std::map<std::string, Position>* searched = nullptr;
};

// Other spellings that are read as a key of the table (Megatron-style long names and the like).
struct Alias {
  std::string_view spelling;  // dotted
  std::string_view path;
};
std::span<const Alias> aliases();

// An unknown key, with the nearest known one.
void report_unknown_key(const Entry& entry, const std::string& prefix,
                        const std::vector<KeyInfo>& table, ReadContext& context);

}  // namespace scenarios
