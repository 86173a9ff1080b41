// Evaluation of one candidate.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "scenarios/prediction_cache.hpp"
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

// Memory first; simulated only if that fits. Pure.
Evaluation evaluate(const SearchSpace& space, const EvaluationTask& task,
                    scenarios::PredictionCache& cache);

}  // namespace studies
