// How long a step takes at least from one of its operations on: from the pipeline bound, for a
// simulation that has only come so far.
#pragma once

#include <vector>

#include "sim/units.hpp"
#include "strategies/program.hpp"
#include "strategies/schedule.hpp"

namespace studies {

class RestOfStep {
 public:
  // `of_passes`: of each stage and pass in its order, ps from its start to the end of the step, and
  // at last of what follows the passes; empty where that is not known. REQUIRES: the schedule
  // outlives this object.
  RestOfStep(const strategies::PipelineSchedule& schedule,
             std::vector<std::vector<double>> of_passes)
      : schedule_(schedule), of_passes_(std::move(of_passes)) {}

  bool known() const { return !of_passes_.empty(); }
  // From the start of a compute operation of a stage's program. Of a pass that has begun only its
  // compute is counted.
  sim::Time from(const strategies::Program& program, std::int64_t stage,
                 strategies::OpIndex op) const;

 private:
  const strategies::PipelineSchedule& schedule_;
  std::vector<std::vector<double>> of_passes_;
};

}  // namespace studies
