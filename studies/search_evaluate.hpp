// Evaluation of one candidate, and work on the threads of this machine.
#pragma once

#include <vector>

#include "scenarios/prediction_cache.hpp"
#include "studies/search.hpp"
#include "studies/search_bounds.hpp"

namespace studies {

// Whether the strategy would fit with less in host memory. Changes what a search chooses in
// `scenario`, which is the space's base otherwise. With `bounds`, which are of the space, what they
// show not to fit is not worked out.
bool offloads_needlessly(const SearchSpace& space, const CandidateStrategy& strategy,
                         scenarios::Scenario& scenario, SearchBounds* bounds = nullptr);

// Memory first; simulated only if that fits. Pure.
Evaluation evaluate(const SearchSpace& space, const EvaluationTask& task,
                    scenarios::PredictionCache& cache);

// Runs work(thread, index) for every index below `count`; indices are dealt as threads get free.
// The first exception, by index, is thrown.
void parallel_for(std::size_t count, unsigned threads,
                  const std::function<void(std::size_t thread, std::size_t index)>& work);
unsigned thread_count(unsigned wanted);  // 0 = all cores

}  // namespace studies
