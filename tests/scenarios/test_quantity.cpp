#include <catch2/catch.hpp>

#include <clocale>
#include <locale>

#include "scenarios/quantity.hpp"

using scenarios::Dimension;
using scenarios::parse_integer;
using scenarios::parse_number;
using scenarios::parse_quantity;
using scenarios::print_quantity;

TEST_CASE("whole numbers are decimal and exact") {
  CHECK(parse_integer("0").value == 0);
  CHECK(parse_integer("42").value == 42);
  CHECK(parse_integer("-7").value == -7);
  CHECK(parse_integer("+7").value == 7);
  CHECK(parse_integer("1e3").value == 1000);
  CHECK(parse_integer("1.5e1").value == 15);
  CHECK(parse_integer("9223372036854775807").value == 9223372036854775807);
  for (const char* bad :
       {"",     " 1",  "1 ",    "2.5",   "2.0",  "010",      "-010",
        "0x10", "0o7", "1_000", "1,000", "1e-3", "1.5e0",    "9223372036854775808",
        "1e30", "ten", "yes",   ".inf",  "nan",  "infinity", "--1",
        "+-1",  "1e"}) {
    INFO(bad);
    CHECK_FALSE(parse_integer(bad).value.has_value());
    CHECK_FALSE(parse_integer(bad).message.empty());
  }
}

TEST_CASE("numbers are finite") {
  CHECK(parse_number("0.72").value == 0.72);
  CHECK(parse_number("1e-3").value == 0.001);
  CHECK(parse_number("-2").value == -2.0);
  for (const char* bad :
       {"", "inf", "nan", ".inf", ".nan", "1e999", "1e-400", "0x1p3", "1,5", "01.5", "1.5x"}) {
    INFO(bad);
    CHECK_FALSE(parse_number(bad).value.has_value());
  }
}

TEST_CASE("units: bits and bytes, powers of ten and of two") {
  CHECK(parse_quantity("400 Gb/s", Dimension::bandwidth).value == 50e9);
  CHECK(parse_quantity("400Gbps", Dimension::bandwidth).value == 50e9);
  CHECK(parse_quantity("400 Gbit/s", Dimension::bandwidth).value == 50e9);
  CHECK(parse_quantity("50 GB/s", Dimension::bandwidth).value == 50e9);
  CHECK(parse_quantity("3.35 TB/s", Dimension::bandwidth).value == 3.35e12);
  CHECK(parse_quantity("80 GiB", Dimension::bytes).value == 85899345920.0);
  CHECK(parse_quantity("80 GB", Dimension::bytes).value == 80e9);
  CHECK(parse_quantity("2 us", Dimension::time).value == 2e6);
  CHECK(parse_quantity("2 \xC2\xB5s", Dimension::time).value == 2e6);
  CHECK(parse_quantity("0.6 us", Dimension::time).value == 0.6e6);
  CHECK(parse_quantity("989 TFLOP/s", Dimension::flop_rate).value == 989e12);
  CHECK(parse_quantity("1.98 GHz", Dimension::frequency).value == 1980.0);
  CHECK(parse_quantity("10.2 kW", Dimension::power).value == 10200.0);
  CHECK(parse_quantity("2.5 USD/h", Dimension::price).value == 2.5);
}

TEST_CASE("a unit is required, and its case matters") {
  struct Bad {
    const char* text;
    Dimension dimension;
    const char* message;
  };
  const Bad list[] = {
      {"400", Dimension::bandwidth, "a unit is required after 400"},
      {"400 Gb", Dimension::bandwidth, "'Gb' is an amount, not a rate: the /s is missing"},
      {"400 gb/s", Dimension::bandwidth,
       "unit 'gb/s' is ambiguous: upper and lower case differ in meaning"},
      {"400 parsec", Dimension::bandwidth, "unknown unit 'parsec'"},
      {"80 Gb", Dimension::bytes, "unit 'Gb' is ambiguous: upper and lower case differ in meaning"},
      {"2 US", Dimension::time, "unit 'US' is ambiguous: upper and lower case differ in meaning"},
      {"us", Dimension::time, "expected a number, found 'us'"},
      {"010 us", Dimension::time, "a leading zero is ambiguous (octal or decimal?)"},
  };
  for (const Bad& bad : list) {
    INFO(bad.text);
    const auto parsed = parse_quantity(bad.text, bad.dimension);
    CHECK_FALSE(parsed.value.has_value());
    CHECK(parsed.message == bad.message);
    CHECK_FALSE(parsed.hint.empty());
  }
}

TEST_CASE("printed quantities read back as the same value") {
  const double values[] = {0.0,    1.0,           50e9,          3.35e12,      600e3,
                           12.5e9, 85899345920.0, 85523536282.0, 1.0 / 3.0e-9, 989.4e12};
  for (const Dimension dimension :
       {Dimension::bytes, Dimension::bandwidth, Dimension::time, Dimension::flop_rate,
        Dimension::frequency, Dimension::power, Dimension::price, Dimension::none}) {
    for (const double value : values) {
      const std::string text = print_quantity(value, dimension);
      INFO(text);
      REQUIRE(parse_quantity(text, dimension).value == value);
    }
  }
  CHECK(print_quantity(50e9, Dimension::bandwidth) == "50 GB/s");
  CHECK(print_quantity(85899345920.0, Dimension::bytes) == "80 GiB");
  CHECK(print_quantity(2.5e6, Dimension::time) == "2.5 us");
}

TEST_CASE("numbers do not depend on the locale") {
  class Comma : public std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
  };
  const std::locale before = std::locale::global(std::locale(std::locale::classic(), new Comma));
  const char* wanted[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "C"};
  for (const char* name : wanted) {
    if (std::setlocale(LC_ALL, name) != nullptr) break;
  }
  CHECK(parse_number("0.72").value == 0.72);
  CHECK_FALSE(parse_number("0,72").value.has_value());
  CHECK(parse_quantity("1.5 GB/s", Dimension::bandwidth).value == 1.5e9);
  CHECK(print_quantity(1234567.5, Dimension::none) == "1234567.5");
  std::setlocale(LC_ALL, "C");
  std::locale::global(before);
}
