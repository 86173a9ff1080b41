// Characters of a shell script that know where they stand in it, through variables and back.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace formats {

constexpr bool is_shell_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
constexpr bool is_shell_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Text whose characters know where they stand in the script.
struct ShellChars {
  std::string text;
  std::vector<std::size_t> at;

  void add(char c, std::size_t offset) {
    text += c;
    at.push_back(offset);
  }
  void add(const ShellChars& more) {
    text += more.text;
    at.insert(at.end(), more.at.begin(), more.at.end());
  }
};

using ShellFields = std::vector<ShellChars>;

// Into words, as an expansion without quotes is.

inline ShellFields split(const ShellChars& chars) {
  ShellFields out;
  bool open = false;
  for (std::size_t i = 0; i < chars.text.size(); ++i) {
    const char c = chars.text[i];
    if (is_shell_blank(c) || c == '\n' || c == '\\') {
      open = false;
      continue;
    }
    if (!open) out.emplace_back();
    open = true;
    out.back().add(c, chars.at[i]);
  }
  return out;
}

// Where the bracket that opens at `from` closes; the text's end where it does not.
inline std::size_t closing(std::string_view text, std::size_t from, char open, char close) {
  int depth = 0;
  for (std::size_t i = from; i < text.size(); ++i) {
    if (text[i] == open) ++depth;
    if (text[i] == close && --depth == 0) return i;
  }
  return text.size();
}

}  // namespace formats
