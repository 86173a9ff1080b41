// Time and cost of a whole training, from the time of one step.
#pragma once

#include "scenarios/report.hpp"

namespace studies {

struct TrainingRun {
  double tokens = 0.0;
  double steps = 0.0;
  double days = 0.0;
  double gpu_hours = 0.0;
  double energy_mwh = 0.0;  // 0 = the cluster says nothing of power
  double price_usd = 0.0;   // 0 = the cluster says nothing of price
};

// Compute-optimal training takes about 20 tokens a parameter (arXiv 2203.15556, table 3); of a
// mixture of experts the active ones are counted.
double compute_optimal_tokens(const models::Model& model);

// Without interruptions: every step takes as long as the one that was simulated.
TrainingRun training_run(const scenarios::Scenario& scenario, sim::Time step, double tokens);
TrainingRun training_run(const scenarios::Report& report, double tokens);

}  // namespace studies
