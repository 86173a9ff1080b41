// Evaluation of one candidate.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "scenarios/prediction_cache.hpp"
#include "scenarios/step_model.hpp"
#include "studies/search.hpp"
#include "studies/search_bounds.hpp"

namespace studies {

// Which strategies have been found to fit. Safe to use from many threads.
class KnownFits {
 public:
  std::optional<bool> find(const SearchSpace::Strategy& strategy) const;
  void keep(const SearchSpace::Strategy& strategy, bool fits);

 private:
  using Key = std::pair<decltype(SearchCore::values), decltype(SearchVariant::values)>;
  mutable std::mutex mutex_;
  std::map<Key, bool> fits_;
};

// Whether the strategy would fit with less in host memory. Changes what a search chooses in
// `scenario`, which is the space's base otherwise. With `bounds`, which are of the space, what they
// show not to fit is not worked out; nor with `known` what was before.
bool offloads_needlessly(const SearchSpace& space, const CandidateStrategy& strategy,
                         scenarios::Scenario& scenario, SearchBounds* bounds = nullptr,
                         KnownFits* known = nullptr);

// Whether the beginning of a step, `part` of its operations, already shows that it ends after the
// deadline. `bounds` and `cache` are of the space, `model` is the scenario's, which holds the core
// and its variant. False where the schedule runs passes side by side.
bool begins_late(const SearchCore& core, const scenarios::Scenario& scenario,
                 const scenarios::StepModel& model, scenarios::PredictionCache& cache,
                 SearchBounds& bounds, sim::Time deadline, double part);

// Bounds of the space, and the scenario that they have been given: they refer to it.
struct Bounding {
  SearchBounds& bounds;
  scenarios::Scenario& scenario;  // holds the strategy afterwards
};

// Memory first; simulated only if that fits. Pure. With bounds, what is late is as a rule found out
// from the beginning of the step alone.
Evaluation evaluate(const SearchSpace& space, const EvaluationTask& task,
                    scenarios::PredictionCache& cache, const Bounding* bounding = nullptr);

}  // namespace studies
