#include "formats/hostlist.hpp"

#include <fmt/format.h>

#include <charconv>
#include <stdexcept>

namespace formats {
namespace {

[[noreturn]] void fail(std::string text) { throw std::invalid_argument(std::move(text)); }

constexpr std::size_t kLongestName = 256;

void check_count(std::size_t names) {
  if (names > kMostNames) fail(fmt::format("it stands for more than {} names", kMostNames));
}

std::size_t number(std::string_view digits) {
  std::size_t out = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  if (error != std::errc{} || end != digits.data() + digits.size() || digits.size() > 9) {
    fail(fmt::format("'{}' is no number of up to nine digits", digits));
  }
  return out;
}

// What the inside of a bracket stands for; numbers keep their leading zeros.
std::vector<std::string> members(std::string_view inside) {
  std::vector<std::string> out;
  while (true) {
    const std::size_t comma = inside.find(',');
    const std::string_view part = inside.substr(0, comma);
    const std::size_t dash = part.find('-');
    const std::string_view low = part.substr(0, dash);
    const std::size_t first = number(low);
    const std::size_t last = dash == std::string_view::npos ? first : number(part.substr(dash + 1));
    if (last < first) fail(fmt::format("'{}' runs backwards", part));
    check_count(out.size() + (last - first));
    for (std::size_t i = first; i <= last; ++i) out.push_back(fmt::format("{:0{}}", i, low.size()));
    if (comma == std::string_view::npos) return out;
    inside.remove_prefix(comma + 1);
  }
}

// One name, with any number of brackets.
void add(std::string_view name, std::vector<std::string>& out) {
  std::vector<std::string> names{""};
  while (!name.empty()) {
    const std::size_t open = name.find('[');
    const std::string_view plain = name.substr(0, open);
    if (plain.find(']') != std::string_view::npos) fail("there is a ] without a [");
    if (names.front().size() + plain.size() > kLongestName) fail("a name is too long");
    for (std::string& each : names) each += plain;
    if (open == std::string_view::npos) break;
    const std::size_t close = name.find(']', open);
    if (close == std::string_view::npos) fail("there is a [ without a ]");
    const std::vector<std::string> choices = members(name.substr(open + 1, close - open - 1));
    check_count(names.size() * choices.size());
    std::vector<std::string> longer;
    for (const std::string& each : names) {
      for (const std::string& choice : choices) longer.push_back(each + choice);
    }
    names = std::move(longer);
    name.remove_prefix(close + 1);
  }
  check_count(out.size() + names.size());
  out.insert(out.end(), names.begin(), names.end());
}

}  // namespace

std::vector<std::string> expand_hostlist(std::string_view list) {
  std::vector<std::string> out;
  std::size_t begin = 0;
  bool inside = false;
  for (std::size_t i = 0; i <= list.size(); ++i) {
    if (i < list.size() && list[i] == '[') inside = true;
    if (i < list.size() && list[i] == ']') inside = false;
    if (i < list.size() && (list[i] != ',' || inside)) continue;
    if (i == begin) fail("there is an empty name");
    add(list.substr(begin, i - begin), out);
    begin = i + 1;
  }
  return out;
}

}  // namespace formats
