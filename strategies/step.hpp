// The executor: writes the program of one pipeline stage for a number of training steps, by running
// the pipeline schedule over the stage's chunks and calling the strategies at their points.
#pragma once

#include "strategies/program.hpp"
#include "strategies/step_context.hpp"

namespace strategies {

// `room`: about as many operations are expected.
Program emit_step(const StepContext& context, std::int64_t steps = 1, std::size_t room = 0);

}  // namespace strategies
