#include "studies/search_evaluate.hpp"

#include <algorithm>

#include "scenarios/simulated_step.hpp"
#include "studies/search_rest.hpp"

namespace studies {

namespace {

std::int64_t fullest(const scenarios::Scenario& scenario, const scenarios::StepModel& model) {
  std::int64_t most = 0;
  for (const scenarios::StageMemory& stage : scenarios::stage_memory(scenario, model)) {
    most = std::max(most, stage.driver.count());
  }
  return most;
}

// Where little room (a part of the deadline) is left beyond the lower bound, the first tenth of a
// step nearly always shows that it ends too late; elsewhere it would be simulated in vain. From
// 1,200 strategies of a search of 405B on 16,384 GPUs: a wrong guess costs time only.
constexpr double kLittleRoom = 0.035;
constexpr double kBeginning = 0.1;

bool has_little_room(const SearchCore& core, const scenarios::Scenario& scenario,
                     const scenarios::StepModel& model, scenarios::PredictionCache& cache,
                     SearchBounds& bounds, sim::Time deadline) {
  const auto fleet = cache.fleet(scenario, model.plan, true);
  return bounds.shared_time(core, scenario, *fleet) >
         (1.0 - kLittleRoom) * static_cast<double>(deadline.count());
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

bool begins_late(const SearchCore& core, const scenarios::Scenario& scenario,
                 const scenarios::StepModel& model, scenarios::PredictionCache& cache,
                 SearchBounds& bounds, sim::Time deadline, double part) {
  const auto fleet = cache.fleet(scenario, model.plan, true);
  const RestOfStep rest(model.schedule, bounds.rest(core, scenario, *fleet));
  if (!rest.known()) return false;
  double operations = 0.0;
  for (const strategies::SimulatedRank& rank : fleet->ranks) {
    operations += static_cast<double>(model.programs[static_cast<std::size_t>(rank.stage)].size());
  }
  const strategies::Beginning beginning{
      static_cast<std::size_t>(operations * part), [&](std::int64_t stage, strategies::OpIndex op) {
        return rest.from(model.programs[static_cast<std::size_t>(stage)], stage, op);
      }};
  return scenarios::simulate_step(scenario, model, cache, {}, true, deadline, &beginning)
      .timeline.late;
}

Evaluation evaluate(const SearchSpace& space, const EvaluationTask& task,
                    scenarios::PredictionCache& cache, const Bounding* bounding) {
  std::optional<scenarios::Scenario> own;
  if (bounding == nullptr) own = space.base();
  scenarios::Scenario& scenario = own ? *own : bounding->scenario;
  space.apply(task.strategy.core, scenario);
  space.apply(task.strategy.variant, scenario);
  const auto model = scenarios::build_step(scenario);
  Evaluation out;
  out.memory_bytes = fullest(scenario, *model);
  out.fits = static_cast<double>(out.memory_bytes) <= memory_limit(scenario);
  if (!out.fits) return out;
  std::optional<sim::Time> deadline;
  if (task.deadline_ps < INT64_MAX) deadline = sim::Time::ps(task.deadline_ps);
  const SearchCore& core = task.strategy.core;
  if (deadline && bounding != nullptr &&
      has_little_room(core, scenario, *model, cache, bounding->bounds, *deadline) &&
      begins_late(core, scenario, *model, cache, bounding->bounds, *deadline, kBeginning)) {
    out.late = true;
    out.step_ps = task.deadline_ps;
    return out;
  }
  const auto step = scenarios::simulate_step(scenario, *model, cache, {}, true, deadline);
  out.late = step.timeline.late;
  out.step_ps = out.late ? task.deadline_ps : step.timeline.makespan.count();
  return out;
}

}  // namespace studies
