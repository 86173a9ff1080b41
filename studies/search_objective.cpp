#include <algorithm>
#include <array>

#include "scenarios/settings.hpp"
#include "studies/search.hpp"

namespace studies {

using scenarios::Scenario;

std::optional<Objective> find_objective(std::string_view name) {
  constexpr std::array names{std::pair{"step_time", Objective::step_time},
                             std::pair{"tokens_per_s", Objective::tokens_per_s},
                             std::pair{"memory", Objective::memory},
                             std::pair{"cost", Objective::cost}};
  for (const auto& [text, objective] : names) {
    if (name == text) return objective;
  }
  return std::nullopt;
}

double memory_limit(const Scenario& scenario) {
  const double device = scenario.device.usable_memory.as_double();
  const double wanted = scenario.search.max_memory_bytes;
  return wanted > 0.0 ? std::min(wanted, device) : device;
}

Scenario materialise(const SearchSpace& space, const CandidateStrategy& strategy) {
  Scenario scenario = space.base();
  space.apply(strategy.core, scenario);
  space.apply(strategy.variant, scenario);
  scenarios::refresh_resolved(scenario, "search");
  return scenario;
}

}  // namespace studies
