#include "strategies/host_costs.hpp"

namespace strategies {
namespace {

std::array<std::int64_t, kGroupKinds> group_sizes(const StepContext& context) {
  const Plan& plan = *context.plan;
  std::array<std::int64_t, kGroupKinds> size{};
  size.fill(2);  // neighbours, and the two ends of a tied embedding
  const auto set = [&](GroupKind kind, std::int64_t members) {
    size[static_cast<std::size_t>(kind)] = members;
  };
  set(GroupKind::tensor, plan.tp);
  set(GroupKind::context, plan.cp);
  set(GroupKind::expert, plan.ep);
  set(GroupKind::expert_tensor, plan.etp);
  set(GroupKind::shard, plan.shard_group);
  set(GroupKind::replicate, context.data_parallel() / plan.shard_group);
  set(GroupKind::expert_data, context.expert_data_parallel());
  return size;
}

}  // namespace

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
  out.check = implementation.collective_check;
  out.members = group_sizes(context);
  return out;
}

}  // namespace strategies
