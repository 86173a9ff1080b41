// What a rank holds through all steps, and the optimizer that updates it.
#pragma once

#include "strategies/emitter.hpp"
#include "strategies/step_context.hpp"

namespace strategies {

// Allocates the framework's workspace, parameters, gradients and optimizer states.
void hold_states(Emitter& emitter, const StepContext& context);

// Emits the optimizer's passes over this rank's part of them, with the buffers they need meanwhile.
void update_states(Emitter& emitter, const StepContext& context);

}  // namespace strategies
