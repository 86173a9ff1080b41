#include "scenarios/catalogue.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "scenarios/utf8.hpp"
#include "scenarios/yaml_parser.hpp"

namespace scenarios {
namespace {

namespace fs = std::filesystem;

bool is_entry_name(const std::string& name) {
  constexpr std::string_view allowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_+";
  return !name.empty() && name.size() <= 100 && name.front() != '.' &&
         name.find_first_not_of(allowed) == std::string::npos;
}

std::string singular(const std::string& section) { return section.substr(0, section.size() - 1); }

[[noreturn]] void report_unknown_name(const std::string& folder, const std::string& section,
                                      const std::string& name, Position at,
                                      Diagnostics& diagnostics) {
  const std::vector<std::string> names = catalogue_names(folder, section);
  const std::string near = nearest(name, names);
  std::string hint = fmt::format("`stepcast list {}` shows all", section);
  if (!near.empty()) hint = fmt::format("did you mean {}? {}", near, hint);
  if (names.empty()) hint = fmt::format("the catalogue has no {} at {}", section, folder);
  const std::string shown = name.size() > 64 ? name.substr(0, 64) + "..." : name;
  diagnostics.fatal(at, fmt::format("no {} named '{}'", singular(section), shown), hint);
}

std::string summary_of(const fs::path& file) {
  Sources sources;
  const std::string path = file.string();
  const std::uint32_t source =
      sources.add({path, read_regular_file(path), "", SourceKind::catalogue});
  const Node root = parse_document(sources, source);
  const Node* summary = root.find("summary");
  return summary != nullptr ? summary->text : std::string();
}

}  // namespace

std::string catalogue_folder(const ReadOptions& options) {
  if (!options.catalogue.empty()) return options.catalogue;
  const char* chosen = std::getenv("STEPCAST_CATALOGUE");
  return chosen != nullptr && *chosen != '\0' ? chosen : STEPCAST_CATALOGUE_DIR;
}

Node load_catalogue_entry(const std::string& folder, const std::string& section,
                          const std::string& name, Position at, Sources& sources,
                          Diagnostics& diagnostics) {
  const fs::path file = fs::path(folder) / section / (name + ".yaml");
  std::error_code ignored;
  if (!is_entry_name(name) || !fs::exists(file, ignored)) {
    report_unknown_name(folder, section, name, at, diagnostics);
  }
  const std::string label =
      section == "profiles" ? "profile " + name : fmt::format("catalogue {}/{}", section, name);
  const std::uint32_t source =
      sources.add({file.string(), read_regular_file(file.string()), label, SourceKind::catalogue});
  Node root = parse_document(sources, source);
  root.erase("summary");
  root.erase("source");
  return root;
}

std::vector<std::string> catalogue_names(const std::string& folder, const std::string& section) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(fs::path(folder) / section, error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().extension() == ".yaml") names.push_back(it->path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<CatalogueEntry> list_catalogue(const std::string& section, const ReadOptions& options) {
  const std::string folder = catalogue_folder(options);
  std::vector<CatalogueEntry> entries;
  for (const std::string& name : catalogue_names(folder, section)) {
    entries.push_back({name, summary_of(fs::path(folder) / section / (name + ".yaml"))});
  }
  return entries;
}

}  // namespace scenarios
