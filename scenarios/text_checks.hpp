// Faults of a text that are found before (or better than) the YAML parser finds them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace scenarios {

struct TextFault {
  std::size_t offset = 0;  // byte
  std::string message;
  std::string hint;
};

// Encoding, control characters, tabs in indentation, more than one document, nothing at all.
std::optional<TextFault> check_text(std::string_view text);

// Whether the scalar that begins at `offset`, if it begins with a quote, has its closing quote.
bool is_closed_scalar(std::string_view text, std::size_t offset);

// Why a root that should be a mapping may have been read as text: a character that only looks like
// a colon or a space.
std::optional<TextFault> look_alike(std::string_view text);

struct LineColumn {
  int line = 1;
  int column = 1;  // code points
};
LineColumn line_column(std::string_view text, std::size_t offset);

}  // namespace scenarios
