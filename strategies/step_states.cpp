#include "strategies/step_states.hpp"

#include "models/optimizer.hpp"
#include "strategies/saved.hpp"
#include "strategies/states.hpp"

namespace strategies {

using sim::MemoryCategory;

void hold_states(Emitter& emitter, const StepContext& context) {
  const ParameterSet parameters = stage_parameters(context);
  const sim::Bytes workspace = context.implementation->framework_workspace;
  const sim::Bytes quantised{quantised_weight_bytes(context, quantised_weights(context))};
  emitter.allocate(MemoryCategory::framework, workspace + stand_in_memory(context));
  emitter.allocate(MemoryCategory::parameters, parameter_memory(context, parameters) + quantised);
  emitter.allocate(MemoryCategory::gradients, standing_gradient_memory(context, parameters));
  emitter.allocate(MemoryCategory::optimizer, optimizer_memory(context, parameters));
}

void update_states(Emitter& emitter, const StepContext& context) {
  const ParameterSet parameters = stage_parameters(context);
  const Plan& plan = *context.plan;
  const Training& training = *context.training;
  const Implementation& code = *context.implementation;
  models::OptimizerWork work;
  const std::int64_t held = parameters.dense + parameters.expert;
  const std::int64_t updated = plan.zero >= 1 ? shard_elements(context, parameters) : held;
  work.parameters = updated - offloaded(updated, plan.offload.optimizer);  // the host does those
  work.gradients = plan.zero >= 2 ? updated : held;
  work.state_bytes = optimizer_bytes(training, plan, code);
  work.gradient_bytes = gradient_bytes(training);
  work.parameter_bytes = parameter_bytes(training);
  const bool low = models::element_bytes(training.precision) <= 2.0;
  work.master_weights = training.master_weights && low;
  work.averages = context.data_parallel() > 1 && code.averages_gradients;
  work.clipped = code.clips_all_gradients ? held : work.parameters;
  const auto cost = models::optimizer_cost(work, *context.device, code.kernels);
  const sim::Bytes buffers =
      step_buffers(context, parameters) + wire_size(work.parameters, code.optimizer_temporaries);
  emitter.allocate(MemoryCategory::buffers, buffers);
  emitter.compute({Activity::optimizer, cost.time, cost.kernels, 0.0, "optimizer"});
  emitter.free(MemoryCategory::buffers, buffers);
}

}  // namespace strategies
