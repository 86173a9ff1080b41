#include "scenarios/yaml_parser.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "scenarios/text_checks.hpp"
#include "scenarios/tree_builder.hpp"
#include "scenarios/utf8.hpp"

namespace scenarios {
Node parse_document(const Sources& sources, std::uint32_t source) {
  const std::string& text = sources[source].text;
  Diagnostics diagnostics(sources);
  const auto refuse = [&](const TextFault& fault) {
    const LineColumn at = line_column(text, fault.offset);
    diagnostics.fatal({source, at.line, at.column}, fault.message, fault.hint);
  };
  if (const auto fault = check_text(text)) refuse(*fault);
  Node root = parse_text(sources, source, 0);
  if (root.is_mapping()) return root;
  if (const auto fault = look_alike(text)) refuse(*fault);
  diagnostics.fatal(
      {source, std::max(root.at.line, 1), std::max(root.at.column, 1)},
      fmt::format("expected a mapping (`key: value` lines), found {}", describe(root)));
}

Node parse_value(const Sources& sources, std::uint32_t source, std::size_t offset) {
  const std::string& text = sources[source].text;
  Diagnostics diagnostics(sources);
  if (const auto bad = first_invalid_utf8(text)) {
    diagnostics.fatal({source, 1, 1}, "not valid UTF-8");
  }
  Node node = parse_text(sources, source, offset);
  if (node.at.line == 0) {
    node.at = {source, 1, static_cast<int>(code_points(text)) + 1};
  }
  return node;
}

}  // namespace scenarios
