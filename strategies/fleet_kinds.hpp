// Which groups a plan has, and how they load links. Internal to fleet.cpp.
#pragma once

#include <vector>

#include "models/model.hpp"
#include "strategies/fleet.hpp"
#include "strategies/low_precision.hpp"
#include "strategies/schedule.hpp"
#include "strategies/step_context.hpp"

namespace strategies {

inline std::vector<GroupKind> kinds_in_use(const models::Model& model, const Training& training,
                                           const Plan& plan) {
  const models::Transformer* transformer = model.transformer();
  const bool moe = transformer && transformer->moe;
  const std::int64_t replicas = plan.dp * plan.cp;
  const std::int64_t expert_replicas = plan.tp * replicas / (plan.ep * plan.etp);
  std::vector<GroupKind> kinds;
  const auto use = [&](bool wanted, GroupKind kind) {
    if (wanted) kinds.push_back(kind);
  };
  use(plan.tp > 1, GroupKind::tensor);
  const bool hybrid = plan.cp_type == CpType::hybrid;
  use(plan.cp > 1 && !hybrid, GroupKind::context);
  use(hybrid && plan.cp_ulysses > 1, GroupKind::context_heads);
  use(hybrid && plan.cp_ulysses < plan.cp, GroupKind::context_ring);
  use(moe && plan.ep > 1, GroupKind::expert);
  use(moe && plan.etp > 1, GroupKind::expert_tensor);
  use(plan.shard_group > 1, GroupKind::shard);
  use(plan.gather_group > 0, GroupKind::shard_across);
  use(plan.gather_group > 0, GroupKind::shard_inside);
  use(plan.secondary_shard > 1, GroupKind::secondary);
  use(plan.shard_group < replicas, GroupKind::replicate);
  use(moe && expert_replicas > 1, GroupKind::expert_data);
  if (const auto maxima = amax_group(training)) kinds.push_back(*maxima);
  use(plan.pp > 1 && transformer && embedding_at_both_ends(*transformer), GroupKind::embedding);
  use(plan.pp > 1, GroupKind::next_stage);
  use(plan.pp > 1, GroupKind::previous_stage);
  use(plan.pp > 1 && holds_two_copies(plan.schedule), GroupKind::mirror);
  for (const GroupKind kind : {GroupKind::to_host, GroupKind::from_host, GroupKind::host}) {
    use(plan.offload.any(), kind);
  }
  return kinds;
}

inline bool uses_pattern(GroupKind kind, Pattern pattern, const Plan& plan) {
  if (pattern == Pattern::ring) return true;  // ranks that exchange tokens gather all counts first
  if (kind == GroupKind::expert) {
    const bool railed = plan.ep_dispatch == EpDispatch::node_limited;
    return pattern == (railed ? Pattern::railed : Pattern::direct);
  }
  if (pattern != Pattern::direct) return false;
  return kind == GroupKind::context_heads ||
         (kind == GroupKind::context && plan.cp_type == CpType::ulysses);
}

inline bool point_to_point(GroupKind kind) {
  return kind == GroupKind::next_stage || kind == GroupKind::previous_stage;
}

}  // namespace strategies
