#include "strategies/host_costs.hpp"

namespace strategies {

HostCosts host_costs(const StepContext& context) {
  const Implementation& implementation = *context.implementation;
  HostCosts out;
  if (!implementation.host_limits || context.training->cuda_graph) return out;
  const auto or_launch = [&](sim::Time time) {
    return time == sim::Time::zero() ? implementation.kernels.launch : time;
  };
  out.forward = implementation.kernels.launch;
  out.backward = or_launch(implementation.backward_launch);
  out.collective = or_launch(implementation.collective_launch);
  return out;
}

}  // namespace strategies
