// What `calibrate verify` runs: the strategies, and each as a scenario for the ordinary predict
// path.
#pragma once

#include <string>
#include <vector>

#include "apps/mpi/trainer_shape.hpp"

namespace apps::mpi {

// Strategies for so many ranks: each alone, and from four ranks on two at a time.
std::vector<TrainerPlan> plans_for(int ranks);

// A model of a second or so a step on a core, or one for checks of numerics alone.
TrainerShape usual_shape();
TrainerShape small_shape();

// The step as a scenario: model, batch, plan, and the calibration in place of a cluster's data
// sheet.
std::string scenario_text(const TrainerShape& shape, const TrainerPlan& plan,
                          const std::string& calibration, int ranks_per_node);

}  // namespace apps::mpi
