// The whole-number arithmetic of a shell's $((...)).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace formats {

// + - * / % and parentheses over numbers and variables; nothing where it is no such expression, a
// variable is no number, or the value leaves 64 bits.
std::optional<std::int64_t> shell_arithmetic(
    std::string_view text, const std::function<std::string(const std::string&)>& variable);

}  // namespace formats
