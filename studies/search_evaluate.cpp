#include "studies/search_evaluate.hpp"

#include <algorithm>

#include "scenarios/simulated_step.hpp"

namespace studies {

namespace {

std::int64_t fullest(const scenarios::Scenario& scenario, const scenarios::StepModel& model) {
  std::int64_t most = 0;
  for (const scenarios::StageMemory& stage : scenarios::stage_memory(scenario, model)) {
    most = std::max(most, stage.driver.count());
  }
  return most;
}

}  // namespace

std::optional<bool> KnownFits::find(const SearchSpace::Strategy& strategy) const {
  const std::lock_guard lock(mutex_);
  const auto at = fits_.find({strategy.core.values, strategy.variant.values});
  return at == fits_.end() ? std::nullopt : std::optional(at->second);
}

void KnownFits::keep(const SearchSpace::Strategy& strategy, bool fits) {
  const std::lock_guard lock(mutex_);
  fits_[{strategy.core.values, strategy.variant.values}] = fits;
}

bool offloads_needlessly(const SearchSpace& space, const CandidateStrategy& strategy,
                         scenarios::Scenario& scenario, SearchBounds* bounds, KnownFits* known) {
  const double limit = memory_limit(scenario);
  for (const auto& other : space.less_offloaded(strategy.core, strategy.variant)) {
    const std::optional<bool> before = known != nullptr ? known->find(other) : std::nullopt;
    if (before.value_or(false)) return true;
    if (before) continue;
    space.apply(other.core, scenario);
    space.apply(other.variant, scenario);
    if (!space.allows_variant(scenario)) continue;
    if (bounds != nullptr && bounds->variant_memory(other.core, scenario) > limit) continue;
    const auto model = scenarios::build_step(scenario);
    const bool fits = static_cast<double>(fullest(scenario, *model)) <= limit;
    if (known != nullptr) known->keep(other, fits);
    if (fits) return true;
  }
  return false;
}

Evaluation evaluate(const SearchSpace& space, const EvaluationTask& task,
                    scenarios::PredictionCache& cache) {
  scenarios::Scenario scenario = space.base();
  space.apply(task.strategy.core, scenario);
  space.apply(task.strategy.variant, scenario);
  const auto model = scenarios::build_step(scenario);
  Evaluation out;
  out.memory_bytes = fullest(scenario, *model);
  out.fits = static_cast<double>(out.memory_bytes) <= memory_limit(scenario);
  if (!out.fits) return out;
  std::optional<sim::Time> deadline;
  if (task.deadline_ps < INT64_MAX) deadline = sim::Time::ps(task.deadline_ps);
  const auto step = scenarios::simulate_step(scenario, *model, cache, {}, true, deadline);
  out.late = step.timeline.late;
  out.step_ps = out.late ? task.deadline_ps : step.timeline.makespan.count();
  return out;
}

}  // namespace studies
