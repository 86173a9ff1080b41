#include "scenarios/node.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace scenarios {

const Node* Node::find(std::string_view key) const {
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const Entry& entry) { return entry.key == key; });
  return found == entries.end() ? nullptr : &found->value;
}

Node* Node::find(std::string_view key) { return const_cast<Node*>(std::as_const(*this).find(key)); }

void Node::erase(std::string_view key) {
  std::erase_if(entries, [&](const Entry& entry) { return entry.key == key; });
}

Node scalar_node(std::string text, Position at) {
  Node node;
  node.kind = Node::Kind::scalar;
  node.text = std::move(text);
  node.at = at;
  return node;
}

Node mapping_node(Position at) {
  Node node;
  node.kind = Node::Kind::mapping;
  node.at = at;
  return node;
}

std::string describe(const Node& node) {
  constexpr std::size_t longest = 60;
  switch (node.kind) {
    case Node::Kind::null:
      return "nothing";
    case Node::Kind::sequence:
      return "a list";
    case Node::Kind::mapping:
      return "a mapping";
    case Node::Kind::scalar:
      break;
  }
  const std::string text =
      node.text.size() > longest ? node.text.substr(0, longest) + "..." : node.text;
  return node.quoted ? fmt::format("text \"{}\"", text) : fmt::format("'{}'", text);
}

void overlay(Node& base, const Node& top) {
  if (!base.is_mapping() || !top.is_mapping() || top.replaces) {
    base = top;
    return;
  }
  base.at = top.at;  // messages point at the upper layer
  for (const Entry& entry : top.entries) {
    Node* below = base.find(entry.key);
    if (below == nullptr) {
      base.entries.push_back(entry);
    } else {
      overlay(*below, entry.value);
    }
  }
}

Node nested(std::string_view dotted, Node value, Position at) {
  const std::size_t dot = dotted.find('.');
  Node node = mapping_node(at);
  if (dot == std::string_view::npos) {
    node.entries.push_back({std::string(dotted), at, std::move(value)});
  } else {
    node.entries.push_back({std::string(dotted.substr(0, dot)), at,
                            nested(dotted.substr(dot + 1), std::move(value), at)});
  }
  return node;
}

}  // namespace scenarios
