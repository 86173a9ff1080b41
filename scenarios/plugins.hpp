// The `plugins:` of a scenario: found beneath the scenario's folder, and loaded only where the user
// has said that this scenario's code may run (ReadOptions::allow_plugins).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "scenarios/draft.hpp"
#include "scenarios/source.hpp"
#include "strategies/plugin.hpp"

namespace scenarios {

struct NamedPlugin {
  std::string path;  // absolute
  Position at;
};

// Reports what lies outside the folder of the file that names it.
std::vector<NamedPlugin> locate_plugins(const Draft& draft, const Sources& sources,
                                        Diagnostics& diagnostics);

// Throws ScenarioError: not allowed, not there, no plug-in.
std::vector<std::shared_ptr<const strategies::Plugin>> load_plugins(
    const std::vector<NamedPlugin>& plugins, bool allowed, Diagnostics& diagnostics);

}  // namespace scenarios
