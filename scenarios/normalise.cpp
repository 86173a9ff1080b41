#include "scenarios/normalise.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "scenarios/key_info.hpp"

namespace scenarios {
namespace {

struct Place {
  Node* parent = nullptr;
  Entry* entry = nullptr;
};

// The entry of a dotted path, or nothing where a part of the way is missing.
Place find_place(Node& root, std::string_view path) {
  Node* parent = &root;
  for (;;) {
    const std::size_t dot = path.find('.');
    const std::string_view name = path.substr(0, dot);
    const auto found = std::find_if(parent->entries.begin(), parent->entries.end(),
                                    [&](const Entry& entry) { return entry.key == name; });
    if (found == parent->entries.end()) return {};
    if (dot == std::string_view::npos) return {parent, &*found};
    parent = &found->value;
    path.remove_prefix(dot + 1);
  }
}

std::string place_text(Position at, const Sources& sources) {
  return fmt::format("{}:{}:{}", sources[at.source].name, at.line, at.column);
}

void rename(Node& root, const Alias& alias, const Sources& sources, Diagnostics& diagnostics) {
  const Place found = find_place(root, alias.spelling);
  if (found.entry == nullptr) return;
  const std::string name(alias.path.substr(alias.path.rfind('.') + 1));
  const auto other = std::find_if(found.parent->entries.begin(), found.parent->entries.end(),
                                  [&](const Entry& entry) { return entry.key == name; });
  if (other == found.parent->entries.end()) {
    found.entry->key = name;
    return;
  }
  const auto index = found.entry - found.parent->entries.data();
  const bool later = other - found.parent->entries.begin() < index;
  const Entry& second = later ? *found.entry : *other;
  const Entry& first = later ? *other : *found.entry;
  diagnostics.error(second.key_at, std::string(alias.path),
                    fmt::format("`{}` and `{}` are the same setting, first set at {}", second.key,
                                first.key, place_text(first.key_at, sources)),
                    "keep one of the two");
  found.parent->entries.erase(found.parent->entries.begin() + index);
}

bool has_any(const Node& node, std::initializer_list<std::string_view> keys) {
  return std::any_of(keys.begin(), keys.end(),
                     [&](std::string_view key) { return node.find(key) != nullptr; });
}

// A name stands for a mapping; it replaces what a lower layer said, as does a mapping that names
// another base.
void name_to_mapping(Node& root, std::string_view path, const char* key) {
  const Place found = find_place(root, path);
  if (found.entry == nullptr) return;
  Node& value = found.entry->value;
  if (value.is_scalar()) {
    Node mapping = mapping_node(value.at);
    mapping.entries.push_back({key, value.at, std::move(value)});
    mapping.replaces = true;
    value = std::move(mapping);
  } else if (std::string_view(key) == "base" && has_any(value, {"base", "hf", "blocks"})) {
    value.replaces = true;
  }
}

}  // namespace

void normalise(Node& root, const Sources& sources, Diagnostics& diagnostics) {
  for (const Alias& alias : aliases()) rename(root, alias, sources, diagnostics);
  name_to_mapping(root, "model", "base");
  name_to_mapping(root, "cluster", "preset");
  name_to_mapping(root, "cluster.device", "base");
  name_to_mapping(root, "implementation", "base");
}

}  // namespace scenarios
