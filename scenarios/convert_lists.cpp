// Lists of mappings, and the free mappings of `search:`.
#include <map>

#include "scenarios/calibration.hpp"
#include "scenarios/convert.hpp"
#include "scenarios/keys.hpp"

namespace scenarios {
namespace {

template <class T>
bool convert_list(const Node& node, const KeyInfo& info, ReadContext& context,
                  std::span<const Key<T>> table, std::vector<T>& out) {
  if (!node.is_sequence()) {
    wrong_type(node, info, context, "a list of mappings");
    return false;
  }
  for (const Node& item : node.items) {
    if (!item.is_mapping()) {
      wrong_type(item, info, context, "a list of mappings");
      return false;
    }
    read_mapping(item, "", table, context, out.emplace_back(), nullptr);
  }
  return true;
}

// A scalar or a flow list as the text that `--set` would take.
std::string value_text(const Node& node) {
  if (node.is_scalar()) return node.quoted ? yaml_text(node.text) : node.text;
  if (node.is_mapping()) {
    std::string text;
    for (const Entry& entry : node.entries) {
      text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", entry.key, value_text(entry.value));
    }
    return "{" + text + "}";
  }
  std::string text;
  for (const Node& item : node.items) {
    text += fmt::format("{}{}", text.empty() ? "" : ", ", value_text(item));
  }
  return "[" + text + "]";
}

const Key<Draft>* searchable(const std::string& path) {
  for (const Key<Draft>& key : scenario_keys()) {
    const bool section = path.starts_with("strategy.") || path.starts_with("training.");
    if (section && key.info.path == path) return &key;
  }
  return nullptr;
}

// The dotted path of a key named in `search:`, which may leave its section out; empty = unknown.
std::string search_path(const std::string& name) {
  const std::string candidates[] = {name, "strategy." + name, "training." + name};
  for (const std::string& candidate : candidates) {
    if (searchable(candidate) != nullptr) return candidate;
    for (const Alias& alias : aliases()) {
      if (alias.spelling == candidate) return std::string(alias.path);
    }
  }
  return {};
}

// Calls visit(path, node) for every key of a `fixed` or `ranges` mapping.
template <class Visit>
bool each_search_key(const Node& node, const std::string& prefix, const KeyInfo& info,
                     ReadContext& context, std::map<std::string, std::uint32_t>& seen,
                     const Visit& visit) {
  if (!node.is_mapping()) {
    wrong_type(node, info, context, "a mapping from keys of strategy and training to values");
    return false;
  }
  bool good = true;
  for (const Entry& entry : node.entries) {
    const std::string name = prefix + entry.key;
    const std::string path = search_path(name);
    const std::uint32_t source = entry.value.at.source;
    // What the command line names again, in whichever spelling, replaces the file's.
    const auto before = seen.find(path);
    if (!path.empty() && before != seen.end() && before->second == source) {
      context.diagnostics.error(entry.key_at, fmt::format("{}.{}", info.path, name),
                                fmt::format("`{}` is named twice", path), "keep one of the two");
      good = false;
    } else if (!path.empty()) {
      seen[path] = source;
      if (context.searched != nullptr) {
        context.searched->insert_or_assign(fmt::format("{}.{}", info.path, path), entry.value.at);
      }
      visit(path, entry.value);
    } else if (entry.value.is_mapping()) {
      good = each_search_key(entry.value, name + ".", info, context, seen, visit) && good;
    } else {
      context.diagnostics.error(entry.key_at, fmt::format("{}.{}", info.path, name),
                                fmt::format("`{}` is no key of strategy or training", name),
                                "write, for example, tp or strategy.tp");
      good = false;
    }
  }
  return good;
}

// Reads a value by the row of its key, so that search ranges are checked as settings are.
bool check_setting(const std::string& path, const Node& node, ReadContext& context) {
  Draft scratch;
  const Key<Draft>* key = searchable(path);
  return key != nullptr && key->store(node, key->info, context, scratch);
}

}  // namespace

bool convert(const Node& node, const KeyInfo& info, ReadContext& context,
             std::vector<BlockDraft>& out) {
  return convert_list(node, info, context, block_keys(), out);
}

bool convert(const Node& node, const KeyInfo& info, ReadContext& context,
             std::vector<models::ListedOperator>& out) {
  return convert_list(node, info, context, operator_keys(), out);
}

bool convert(const Node& node, const KeyInfo& info, ReadContext& context,
             std::vector<strategies::Faults::SlowRank>& out) {
  return convert_list(node, info, context, slow_rank_keys(), out);
}

bool convert(const Node& node, const KeyInfo& info, ReadContext& context,
             std::vector<strategies::Faults::SlowLink>& out) {
  return convert_list(node, info, context, slow_link_keys(), out);
}

bool convert(const Node& node, const KeyInfo& info, ReadContext& context,
             std::vector<collectives::FitSegment>& out) {
  return convert_list(node, info, context, segment_keys(), out);
}

bool convert(const Node& node, const KeyInfo& info, ReadContext& context,
             std::map<std::string, std::string>& out) {
  std::map<std::string, std::uint32_t> seen;
  return each_search_key(node, "", info, context, seen,
                         [&](const std::string& path, const Node& value) {
                           if (check_setting(path, value, context)) out[path] = value_text(value);
                         });
}

bool convert(const Node& node, const KeyInfo& info, ReadContext& context,
             std::map<std::string, std::vector<std::string>>& out) {
  std::map<std::string, std::uint32_t> seen;
  return each_search_key(
      node, "", info, context, seen, [&](const std::string& path, const Node& value) {
        if (!value.is_sequence() || value.items.empty()) {
          wrong_type(value, info, context, "lists of values to try", "write tp: [1, 2, 4, 8]");
          return;
        }
        out.erase(path);
        for (const Node& item : value.items) {
          if (check_setting(path, item, context)) out[path].push_back(value_text(item));
        }
      });
}

}  // namespace scenarios
