// Evaluation of one candidate, and work on the threads of this machine.
#pragma once

#include <vector>

#include "scenarios/prediction_cache.hpp"
#include "studies/search.hpp"

namespace studies {

// Whether the strategy would fit with less in host memory. Changes what a search chooses in
// `scenario`, which is the space's base otherwise.
bool offloads_needlessly(const SearchSpace& space, const CandidateStrategy& strategy,
                         scenarios::Scenario& scenario);

// Memory first; simulated only if that fits. Pure.
Evaluation evaluate(const SearchSpace& space, const EvaluationTask& task,
                    scenarios::PredictionCache& cache);

// Runs work(thread, index) for every index below `count`; indices are dealt as threads get free.
// The first exception, by index, is thrown.
void parallel_for(std::size_t count, unsigned threads,
                  const std::function<void(std::size_t thread, std::size_t index)>& work);
unsigned thread_count(unsigned wanted);  // 0 = all cores

}  // namespace studies
