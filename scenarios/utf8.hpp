// UTF-8: validation with the place of the first fault, and making text harmless for a terminal.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace scenarios {

// Offset of the first byte that is not part of valid UTF-8 (overlong forms and surrogates count).
std::optional<std::size_t> first_invalid_utf8(std::string_view text);

// Code points; invalid bytes, control and direction-changing characters become U+FFFD, tabs spaces.
std::u32string decode_lossy(std::string_view text);
std::string encode(std::u32string_view points);
inline std::string printable(std::string_view text) { return encode(decode_lossy(text)); }

std::size_t code_points(std::string_view valid_utf8);

// Control characters (C0, DEL, C1) and characters that change the direction of text.
bool is_harmful(char32_t point);

}  // namespace scenarios
