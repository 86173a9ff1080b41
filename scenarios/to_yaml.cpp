// A resolved scenario as a file that reads the same.
#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <vector>

#include "scenarios/node.hpp"
#include "scenarios/problems.hpp"
#include "scenarios/reader.hpp"

namespace scenarios {
namespace {

void write_mapping(const Node& node, int depth, std::string& out) {
  for (const Entry& entry : node.entries) {
    out += fmt::format("{:{}}{}:", "", 2 * depth, entry.key);
    if (entry.value.is_mapping()) {
      out += '\n';
      write_mapping(entry.value, depth + 1, out);
    } else {
      out += ' ' + entry.value.text + '\n';
    }
  }
}

// The key under which a resolved value is written: `recompute` has to be a mapping when its finer
// keys are there.
std::string written_key(const Resolved& item, const std::vector<Resolved>& all) {
  const auto below = [&](const Resolved& other) { return other.key.starts_with(item.key + "."); };
  const bool mapping = std::any_of(all.begin(), all.end(), below);
  return mapping ? item.key + ".mode" : item.key;
}

}  // namespace

std::string to_yaml(const Scenario& scenario) {
  Node root = mapping_node({});
  for (const Resolved& item : scenario.resolved) {
    if (rests(scenario, item.key)) continue;
    Node value = scalar_node(item.value, {});
    overlay(root, nested(written_key(item, scenario.resolved), std::move(value), {}));
  }
  std::string text;
  write_mapping(root, 0, text);
  return text;
}

}  // namespace scenarios
