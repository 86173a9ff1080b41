// Changes single keys of a scenario that has been read, for search and sweep.
#pragma once

#include <string>

#include "scenarios/scenario.hpp"

namespace scenarios {

// Sets a key of `training` or `strategy` (full dotted path) to a value as --set writes it. Does not
// check that the parts agree: plan_problems() does. Throws ScenarioError when the value is no value
// of that key.
void apply_setting(Scenario& scenario, const std::string& path, const std::string& value);

// Makes `resolved` echo the training settings and the plan now in force; values that differ from
// what it said before get `origin`. to_yaml() then writes the changed scenario.
void refresh_resolved(Scenario& scenario, const std::string& origin);

}  // namespace scenarios
