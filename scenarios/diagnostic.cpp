// How diagnostics print: file:line:column, source line, caret, hint. Text from the input is made
// harmless for a terminal first (no control or direction-changing characters).
#include <fmt/core.h>

#include <string_view>
#include <utility>

#include "scenarios/reader.hpp"
#include "scenarios/utf8.hpp"

namespace scenarios {
namespace {

constexpr std::size_t kShownLine = 160;  // code points of a source line that are shown

std::string clipped(std::string_view line, int column, std::size_t& caret) {
  std::u32string points = decode_lossy(line);
  caret = column > 0 ? static_cast<std::size_t>(column - 1) : 0;
  std::size_t first = 0;
  if (points.size() > kShownLine && caret > kShownLine / 2) first = caret - kShownLine / 2;
  if (first > points.size()) first = points.size();
  points = points.substr(first, kShownLine);
  caret = std::min(caret - first, points.size());
  return encode(points);
}

std::string join(const std::vector<Diagnostic>& diagnostics) {
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics) {
    if (!text.empty()) text += '\n';
    text += diagnostic.to_string();
  }
  return text;
}

}  // namespace

std::string Diagnostic::to_string() const {
  std::string text = printable(file);
  if (line > 0) text += fmt::format(":{}:{}", line, column);
  text += ": error: " + printable(message);
  if (line > 0 && !source_line.empty()) {
    std::size_t caret = 0;
    const std::string shown = clipped(source_line, column, caret);
    text += fmt::format("\n  {}\n  {}^", shown, std::string(caret, ' '));
  }
  if (!hint.empty()) text += "\n  hint: " + printable(hint);
  return text;
}

ScenarioError::ScenarioError(ErrorKind kind, std::vector<Diagnostic> diagnostics)
    : std::runtime_error(join(diagnostics)), kind_(kind), diagnostics_(std::move(diagnostics)) {}

}  // namespace scenarios
