// Whether a dotted key is one of a scenario, for options that take keys.
#include <algorithm>

#include "scenarios/keys.hpp"
#include "scenarios/normalise.hpp"
#include "scenarios/reader.hpp"

namespace scenarios {
namespace {

// The dotted path of a mapping with one entry at each level.
std::string path_of(const Node& node) {
  if (!node.is_mapping() || node.entries.empty()) return {};
  const std::string below = path_of(node.entries.front().value);
  return node.entries.front().key + (below.empty() ? "" : "." + below);
}

}  // namespace

std::string known_key(const std::string& dotted, const std::string& source) {
  Sources sources;
  Diagnostics diagnostics(sources);
  const Position at{sources.add({source, dotted, source, SourceKind::command_line}), 1, 1};
  Node tree = nested(dotted, {}, at);
  normalise(tree, sources, diagnostics);
  const std::string path = path_of(tree);
  std::vector<KeyInfo> table;
  for (const Key<Draft>& key : scenario_keys()) table.push_back(key.info);
  const auto is_known = [&](const std::string& each) {
    return std::any_of(table.begin(), table.end(), [&](const KeyInfo& info) {
      const bool section = info.path.starts_with(each + ".");
      const bool within = each.starts_with(std::string(info.path) + ".");  // a free mapping
      return info.path == each || section || within;
    });
  };
  std::string prefix;
  for (const Node* node = &tree; node->is_mapping() && !node->entries.empty();) {
    const Entry& entry = node->entries.front();
    if (!is_known(prefix + entry.key)) {
      ReadContext context{diagnostics};
      report_unknown_key(entry, prefix, table, context);
      break;
    }
    prefix += entry.key + ".";
    node = &entry.value;
  }
  diagnostics.throw_if_any();
  return path;
}

}  // namespace scenarios
