// Strategies as the rows of a table.
#pragma once

#include <string>
#include <vector>

#include "scenarios/report.hpp"
#include "studies/training_run.hpp"

namespace apps {

// Of the whole training with the strategy: `tokens`, or what is compute-optimal where that is 0.
studies::TrainingRun run_of(const scenarios::Report& report, double tokens);

// With a column for each key that the search varied.
std::string strategy_table(const std::vector<scenarios::Report>& all, double tokens);

}  // namespace apps
