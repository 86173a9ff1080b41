// A step model carried out on the machine: who was simulated, the task graph, and when it ran.
#pragma once

#include <optional>

#include "scenarios/prediction_cache.hpp"
#include "scenarios/report.hpp"
#include "scenarios/step_model.hpp"
#include "strategies/lower.hpp"

namespace scenarios {

struct SimulatedStep {
  PredictionCache::FleetPtr fleet;
  strategies::LoweredStep step;
  sim::Timeline timeline;
};

// Every rank waits for the slowest at the end of each collective: this many times as long does
// compute take on the slowest of all ranks as on the mean one.
double slowest_of(const Scenario& scenario);

// REQUIRES: `cache` was made for this cluster, model and set of faults. With a `deadline` it may
// end early (sim::Timeline::late), with a `beginning` where that does (sim::Timeline::open).
SimulatedStep simulate_step(const Scenario& scenario, const StepModel& model,
                            PredictionCache& cache, const PredictOptions& options, bool fold,
                            std::optional<sim::Time> deadline = {},
                            const strategies::Beginning* beginning = nullptr);

}  // namespace scenarios
