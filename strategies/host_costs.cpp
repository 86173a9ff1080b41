#include "strategies/host_costs.hpp"

namespace strategies {

namespace {

bool has_experts(const StepContext& context) {
  const models::Transformer* transformer = context.model->transformer();
  return transformer != nullptr && transformer->moe.has_value();
}

}  // namespace

HostCosts host_costs(const StepContext& context) {
  const Implementation& implementation = *context.implementation;
  HostCosts out;
  const Training& training = *context.training;
  const bool experts_apart = has_experts(context) && !training.cuda_graph_experts;
  const bool whole = training.cuda_graph && training.cuda_graph_attention && !experts_apart;
  if (!implementation.host_limits || whole) return out;
  const auto or_launch = [&](sim::Time time) {
    return time == sim::Time::zero() ? implementation.kernels.launch : time;
  };
  out.forward = implementation.kernels.launch;
  out.backward = or_launch(implementation.backward_launch);
  out.collective = or_launch(implementation.collective_launch);
  out.blocking = implementation.launch_blocking;
  return out;
}

}  // namespace strategies
