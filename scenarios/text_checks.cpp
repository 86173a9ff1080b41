#include "scenarios/text_checks.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "scenarios/utf8.hpp"

namespace scenarios {
namespace {

using Fault = std::optional<TextFault>;

Fault check_encoding(std::string_view text) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    return TextFault{0, "the file is UTF-16", "save it as UTF-8"};
  }
  if (const auto bad = first_invalid_utf8(text)) {
    const auto byte = static_cast<unsigned>(static_cast<unsigned char>(text[*bad]));
    return TextFault{*bad, fmt::format("byte 0x{:02X} is not valid UTF-8", byte),
                     "save the file as UTF-8"};
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool allowed = byte >= 0x20 || byte == '\n' || byte == '\t' || byte == '\r';
    if (!allowed || byte == 0x7F) {
      return TextFault{i, fmt::format("control character 0x{:02X}", unsigned{byte}),
                       "remove it; a scenario is plain text"};
    }
  }
  return std::nullopt;
}

bool only_comment(std::string_view line) {
  const std::size_t first = line.find_first_not_of(" \t\r");
  return first == std::string_view::npos || line[first] == '#';
}

bool is_marker(std::string_view line, std::string_view marker) {
  if (!line.starts_with(marker)) return false;
  return line.size() == marker.size() || line[marker.size()] == ' ' ||
         line[marker.size()] == '\t' || line[marker.size()] == '\r';
}

// State of the walk over lines that looks for a second document.
struct Documents {
  bool content = false;  // something of a document was seen
  bool ended = false;    // "..." was seen
};

Fault check_line(std::string_view line, std::size_t offset, Documents& state) {
  if (only_comment(line)) return std::nullopt;
  const std::size_t indent = line.find_first_not_of(" \t");
  const std::size_t tab = line.substr(0, indent).find('\t');
  if (tab != std::string_view::npos) {
    return TextFault{offset + tab, "a tab is not allowed for indentation", "indent with spaces"};
  }
  const bool start = is_marker(line, "---");
  if (state.ended || (start && state.content)) {
    return TextFault{offset, "only one document is allowed in a file",
                     "put scenarios in files of their own, or use `strategies:`"};
  }
  state.ended = is_marker(line, "...");
  if (!line.starts_with('%') && !state.ended) state.content = true;
  return std::nullopt;
}

Fault check_lines(std::string_view text) {
  Documents state;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (Fault fault = check_line(text.substr(at, end - at), at, state)) return fault;
    at = end + 1;
  }
  if (!state.content) {
    return TextFault{0, "the scenario is empty",
                     "name at least `model:` and `cluster:`; see docs/scenario-reference.md"};
  }
  return std::nullopt;
}

}  // namespace

Fault check_text(std::string_view text) {
  if (Fault fault = check_encoding(text)) return fault;
  return check_lines(text);
}

bool is_closed_scalar(std::string_view text, std::size_t offset) {
  const char quote = offset < text.size() ? text[offset] : '\0';
  if (quote != '"' && quote != '\'') return true;
  for (std::size_t i = offset + 1; i < text.size(); ++i) {
    if (text[i] == '\\' && quote == '"') {
      ++i;
    } else if (text[i] == quote && quote == '\'' && text.substr(i + 1).starts_with('\'')) {
      ++i;  // '' inside single quotes is one quote
    } else if (text[i] == quote) {
      return true;
    }
  }
  return false;
}

Fault look_alike(std::string_view text) {
  struct Pair {
    std::string_view bytes, name, meant;
  };
  constexpr Pair pairs[] = {{"\xEF\xBC\x9A", "U+FF1A", "':'"},
                            {"\xC2\xA0", "U+00A0", "a space"},
                            {"\xE3\x80\x80", "U+3000", "a space"}};
  for (const Pair& pair : pairs) {
    const std::size_t at = text.find(pair.bytes);
    if (at == std::string_view::npos) continue;
    return TextFault{at,
                     fmt::format("expected a mapping, found text; {} looks like {} but is not",
                                 pair.name, pair.meant),
                     fmt::format("replace it with {}", pair.meant)};
  }
  return std::nullopt;
}

LineColumn line_column(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const std::size_t newline = before.rfind('\n');
  const std::size_t start = newline == std::string_view::npos ? 0 : newline + 1;
  return {1 + static_cast<int>(std::count(before.begin(), before.end(), '\n')),
          1 + static_cast<int>(code_points(before.substr(start)))};
}

}  // namespace scenarios
