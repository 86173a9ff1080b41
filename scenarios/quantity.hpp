// Numbers and quantities as scenario files write them. Locale plays no part; every double is
// finite.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace scenarios {

// What a quantity measures, and the base unit that parse_quantity() answers in.
enum class Dimension : std::uint8_t {
  none,       // a bare number
  bytes,      // bytes
  bandwidth,  // bytes per second
  time,       // picoseconds
  flop_rate,  // FLOP/s
  frequency,  // MHz
  power,      // W
  price       // USD per hour
};

template <class T>
struct Parsed {
  std::optional<T> value;
  std::string message;  // when there is no value: what is wrong
  std::string hint;     // and what would be right
};

// Decimal digits with an optional sign; `1e3` where it is a whole number. 010, 0x10, 1_000:
// refused.
Parsed<std::int64_t> parse_integer(std::string_view text);
Parsed<double> parse_number(std::string_view text);
// A number and its unit, e.g. "400 Gb/s" (bits), "50 GB/s" (bytes), "80 GiB".
Parsed<double> parse_quantity(std::string_view text, Dimension dimension);

// The shortest text that parse_quantity() reads back as exactly `base`.
std::string print_quantity(double base, Dimension dimension);
std::string print_number(double value);

// Examples of units for messages and docs: "GB/s or Gb/s".
std::string_view unit_examples(Dimension dimension);
// A regular expression (ECMAScript) of the texts that parse_quantity() accepts.
std::string quantity_pattern(Dimension dimension);

}  // namespace scenarios
