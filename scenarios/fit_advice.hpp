// When a step does not fit: the nearest changes of the scenario that would make it fit.
#pragma once

#include <string>
#include <vector>

#include "scenarios/scenario.hpp"

namespace scenarios {

// Single changes first, then pairs; each as `key: value` with the memory it leads to. At most four.
std::vector<std::string> advise_on_fit(const Scenario& scenario, sim::Bytes available);

}  // namespace scenarios
