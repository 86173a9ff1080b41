#include "scenarios/layers.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "scenarios/calibration.hpp"
#include "scenarios/catalogue.hpp"
#include "scenarios/hf_config.hpp"
#include "scenarios/normalise.hpp"
#include "scenarios/yaml_parser.hpp"

namespace scenarios {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDefaultProfile = "megatron-core";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string without_mark(std::string text) {
  return text.starts_with(kByteOrderMark) ? text.substr(kByteOrderMark.size()) : text;
}

// Why a path cannot be extended, or an empty string. Only what lies beneath the file's own folder.
std::string path_problem(const std::string& name) {
  const fs::path path(name);
  if (name.find("://") != std::string::npos) return "is an address, not a file";
  if (path.is_absolute()) return "is an absolute path";
  for (const fs::path& part : path) {
    if (part == "..") return "leaves the folder of this file";
  }
  return {};
}

bool beneath(const fs::path& folder, const fs::path& file) {
  const auto [end, ignored] = std::mismatch(folder.begin(), folder.end(), file.begin(), file.end());
  return end == folder.end();
}

std::string identity(const std::string& path) {
  std::error_code error;
  const fs::path canonical = fs::weakly_canonical(fs::absolute(path, error), error);
  return error ? path : canonical.string();
}

// Names in `search:` stay whole: `recompute.every` is a key beside `recompute`, not a part of it.
Node layer_of(const std::string& key, Node value, Position at) {
  for (const char* section : {"search.ranges.", "search.fixed."}) {
    if (!key.starts_with(section)) continue;
    const std::string above(section, std::strlen(section) - 1);
    Node names = mapping_node(at);
    names.entries.push_back({key.substr(above.size() + 1), at, std::move(value)});
    return nested(above, std::move(names), at);
  }
  return nested(key, std::move(value), at);
}

}  // namespace

Node Layers::file(const std::string& path) { return text(read_regular_file(path), path); }

Node Layers::text(std::string content, const std::string& path) {
  std::vector<std::string> chain;
  Node tree = parsed(std::move(content), path, "scenario", chain);
  for (const char* key : {"$schema", "extends"}) tree.erase(key);
  return tree;
}

Node Layers::parsed(std::string content, const std::string& path, const std::string& label,
                    std::vector<std::string>& chain) {
  chain.push_back(identity(path));
  const std::uint32_t source =
      sources_.add({path, without_mark(std::move(content)), label, SourceKind::scenario});
  Node tree = parse_document(sources_, source);
  normalise(tree, sources_, diagnostics_);
  // Keys of one's own, as a place for anchors.
  std::erase_if(tree.entries, [](const Entry& entry) { return entry.key.starts_with("x-"); });
  const Node* name = tree.find("extends");
  if (name == nullptr) return tree;
  return extended(tree, Node(*name), path, chain);
}

Node Layers::extended(Node tree, const Node& name, const std::string& path,
                      std::vector<std::string>& chain) {
  if (!name.is_scalar() || name.text.empty()) {
    diagnostics_.fatal(name.at, "`extends` must name a file", "write extends: base.yaml");
  }
  if (const std::string problem = path_problem(name.text); !problem.empty()) {
    diagnostics_.fatal(name.at, fmt::format("`extends: {}` {}", name.text, problem),
                       "name a file in the folder of this file or beneath it");
  }
  const fs::path folder = fs::path(path).parent_path();
  const std::string target = (folder / name.text).string();
  const std::string canonical = identity(target);
  if (!beneath(identity(folder.empty() ? "." : folder.string()), canonical)) {
    diagnostics_.fatal(name.at,
                       fmt::format("`extends: {}` leads out of the folder of this file", name.text),
                       "links that leave the folder are not followed");
  }
  if (std::find(chain.begin(), chain.end(), canonical) != chain.end()) {
    diagnostics_.fatal(
        name.at,
        fmt::format("`extends` goes in a circle: {} -> {}", fmt::join(chain, " -> "), canonical),
        "remove one of the links");
  }
  if (chain.size() > kMaxExtends) {
    diagnostics_.fatal(name.at, fmt::format("`extends` is deeper than {} files", kMaxExtends));
  }
  Node base =
      parsed(read_named_file(target, name.at, diagnostics_), target, "extends " + name.text, chain);
  for (const char* key : {"$schema", "extends"}) base.erase(key);
  overlay(base, tree);
  return base;
}

std::vector<Node> Layers::take_strategies(Node& tree) {
  const Node* found = tree.find("strategies");
  if (found == nullptr) return {};
  const Node list = *found;
  tree.erase("strategies");
  if (list.is_null()) return {};
  if (!list.is_sequence() || list.items.size() > kMaxStrategies) {
    diagnostics_.fatal(
        list.at, fmt::format("`strategies` must be a list of at most {} mappings", kMaxStrategies),
        "write - {name: zero3, strategy: {zero: 3}}");
  }
  std::vector<Node> entries = list.items;
  for (Node& entry : entries) {
    if (!entry.is_mapping() || entry.find("name") == nullptr) {
      diagnostics_.error(entry.at, "strategies", "each entry of `strategies` needs a `name`",
                         "write - {name: zero3, strategy: {zero: 3}}");
      continue;
    }
    normalise(entry, sources_, diagnostics_);
  }
  return entries;
}

void Layers::apply_settings(Node& tree) {
  for (const std::string& setting : options_.set) {
    const std::uint32_t source =
        sources_.add({"--set", setting, "--set", SourceKind::command_line});
    const std::size_t equals = setting.find('=');
    const std::string key = setting.substr(0, equals);
    const bool bad_key = key.empty() || key.front() == '.' || key.back() == '.' ||
                         key.find("..") != std::string::npos ||
                         std::count(key.begin(), key.end(), '.') >= 16;
    if (equals == std::string::npos || bad_key) {
      diagnostics_.fatal({source, 1, 1}, fmt::format("cannot read --set {}", setting),
                         "write --set strategy.tp=8");
    }
    Node layer = layer_of(key, parse_value(sources_, source, equals + 1), {source, 1, 1});
    normalise(layer, sources_, diagnostics_);
    overlay(tree, layer);
  }
}

void Layers::expand_section(Node& tree, const char* path, const char* name_key,
                            const char* section) {
  Node* found = tree.find(path);
  if (found == nullptr || !found->is_mapping()) return;
  const Node* name = found->find(name_key);
  if (name == nullptr) return;
  if (!name->is_scalar()) {
    diagnostics_.fatal(
        name->at, fmt::format("`{}.{}` must be a name, found {}", path, name_key, describe(*name)));
  }
  Node base = load_catalogue_entry(catalogue_folder(options_), section, name->text, name->at,
                                   sources_, diagnostics_);
  Node wrapped = nested(path, std::move(base), base.at);
  normalise(wrapped, sources_, diagnostics_);
  found->replaces = false;
  overlay(wrapped.entries.front().value, *found);
  *found = std::move(wrapped.entries.front().value);
}

void Layers::expand_hugging_face(Node& model) {
  const Node* path = model.find("hf");
  if (path == nullptr) return;
  if (!path->is_scalar() || path->text.empty()) {
    diagnostics_.fatal(path->at, "`model.hf` must name a config.json");
  }
  const fs::path folder = fs::path(sources_[path->at.source].name).parent_path();
  Node base =
      read_hugging_face_config((folder / path->text).string(), path->at, sources_, diagnostics_);
  model.replaces = false;
  overlay(base, model);
  model = std::move(base);
}

// A cluster that names no device is made of what was calibrated.
void Layers::take_calibrated_device(Node& cluster) {
  const Node* file = cluster.find("calibration");
  if (file == nullptr || !file->is_scalar() || file->is_null()) return;
  if (const Node* device = cluster.find("device"); device != nullptr && !device->is_null()) return;
  Node device = read_calibrated_device(beside(sources_, file->at, file->text), file->at, sources_,
                                       diagnostics_);
  if (device.is_mapping()) overlay(cluster, nested("device", std::move(device), file->at));
}

void Layers::expand(Node& tree) {
  if (tree.find("implementation") == nullptr || tree.find("implementation")->is_null()) {
    const std::uint32_t source = sources_.add({"default", "", "default", SourceKind::computed});
    Node name = scalar_node(std::string(kDefaultProfile), {source, 0, 0});
    overlay(tree, nested("implementation.base", std::move(name), {source, 0, 0}));
  }
  Node* model = tree.find("model");
  if (model != nullptr && model->is_mapping()) {
    if (model->find("hf") != nullptr && model->find("base") != nullptr) {
      diagnostics_.fatal(model->find("hf")->at, "`model.hf` and `model.base` exclude each other",
                         "keep one of the two");
    }
    expand_hugging_face(*model);
  }
  expand_section(tree, "model", "base", "models");
  expand_section(tree, "implementation", "base", "profiles");
  expand_section(tree, "cluster", "preset", "clusters");
  if (Node* cluster = tree.find("cluster"); cluster != nullptr && cluster->is_mapping()) {
    take_calibrated_device(*cluster);
    expand_section(*cluster, "device", "base", "devices");
  }
}

}  // namespace scenarios
