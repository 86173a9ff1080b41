#include "scenarios/plugins.hpp"

#include <filesystem>

#include <fmt/core.h>

namespace scenarios {
namespace {

namespace fs = std::filesystem;

bool beneath(const fs::path& folder, const fs::path& path) {
  const fs::path relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

}  // namespace

std::vector<NamedPlugin> locate_plugins(const Draft& draft, const Sources& sources,
                                        Diagnostics& diagnostics) {
  std::vector<NamedPlugin> out;
  if (draft.plugins.empty()) return out;
  const Position at = draft.given.at("plugins");
  const fs::path folder = fs::weakly_canonical(fs::absolute(sources[at.source].name).parent_path());
  for (const std::string& name : draft.plugins) {
    // Links are followed first: what they lead to has to lie beneath the folder, too.
    const fs::path path = fs::weakly_canonical(folder / name);
    if (sources[at.source].kind != SourceKind::scenario || !beneath(folder, path)) {
      diagnostics.error(at, "plugins",
                        fmt::format("the plug-in '{}' is not beneath the scenario's folder", name),
                        "name it in the scenario file, relative to the file's own folder");
      continue;
    }
    out.push_back({path.string(), at});
  }
  diagnostics.throw_if_any();
  return out;
}

std::vector<std::shared_ptr<const strategies::Plugin>> load_plugins(
    const std::vector<NamedPlugin>& plugins, bool allowed, Diagnostics& diagnostics) {
  std::vector<std::shared_ptr<const strategies::Plugin>> out;
  for (const NamedPlugin& plugin : plugins) {
    if (!allowed) {
      diagnostics.fatal(plugin.at, "this scenario wants to run code of its own, from `plugins:`",
                        "--allow-plugins lets it, if you trust it");
    }
    std::error_code none;
    if (!fs::is_regular_file(plugin.path, none)) {
      diagnostics.fatal(plugin.at, fmt::format("there is no plug-in {}", plugin.path),
                        "docs/plugin.md says how to build one", ErrorKind::io);
    }
    try {
      out.push_back(std::make_shared<const strategies::Plugin>(plugin.path));
    } catch (const std::runtime_error& error) {
      diagnostics.fatal(plugin.at, fmt::format("cannot load the plug-in: {}", error.what()),
                        "build it against this version's headers (docs/plugin.md)");
    }
  }
  return out;
}

}  // namespace scenarios
