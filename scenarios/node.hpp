// A parsed YAML document as own values: no aliases, no duplicate keys, every value with its place.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/source.hpp"

namespace scenarios {

struct Entry;

struct Node {
  enum class Kind : std::uint8_t { null, scalar, sequence, mapping };
  Kind kind = Kind::null;
  bool quoted = false;    // scalar written in quotes or as a block: text for certain
  bool replaces = false;  // mapping made from a name: overlay replaces instead of merging
  Position at;
  std::string text;            // scalar
  std::vector<Node> items;     // sequence
  std::vector<Entry> entries;  // mapping, in order of appearance, keys unique

  bool is_null() const { return kind == Kind::null; }
  bool is_scalar() const { return kind == Kind::scalar; }
  bool is_sequence() const { return kind == Kind::sequence; }
  bool is_mapping() const { return kind == Kind::mapping; }
  const Node* find(std::string_view key) const;
  Node* find(std::string_view key);
  void erase(std::string_view key);
};

struct Entry {
  std::string key;
  Position key_at;
  Node value;
};

Node scalar_node(std::string text, Position at);
Node mapping_node(Position at);

// What a node is, in words for messages: "a list", "text 'yes'", …
std::string describe(const Node& node);

// Puts `top` over `base`: mappings merge key by key, everything else is replaced.
void overlay(Node& base, const Node& top);

// The mapping {a: {b: value}} for the dotted key a.b.
Node nested(std::string_view dotted, Node value, Position at);

}  // namespace scenarios
