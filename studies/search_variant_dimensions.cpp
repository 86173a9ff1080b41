// Dimensions of what happens around the passes. docs/search.md says why these values.
// Their values depend on the degrees of the plan (tp, cp, pp, ep, etp, dp), on each other and on
// what the search does not choose: SearchWork keeps them by the degrees.
#include <numeric>

#include "studies/search_dimension_rows.hpp"

namespace studies {
namespace {

std::int64_t replicas(const Scenario& s) { return s.plan.dp * s.plan.cp; }

Values zero_stages(const Scenario& s) {
  if (replicas(s) == 1) return {0};
  return {0, 1, 2, 3};
}

// All replicas; as many as one NVLink domain holds; as many as one leaf of the network holds.
Values shard_groups(const Scenario& s) {
  const std::int64_t domain =
      s.cluster.nvlink_domain > 0 ? s.cluster.nvlink_domain : s.cluster.gpus_per_node;
  const std::int64_t leaf = s.cluster.gpus_per_node * s.cluster.nodes_per_leaf;
  Values out{replicas(s)};
  for (const std::int64_t reach : {leaf, domain}) {
    const std::int64_t ranks = std::gcd(replicas(s), std::max<std::int64_t>(1, reach / s.plan.tp));
    if (ranks > 1 && ranks < out.back()) out.push_back(ranks);
  }
  return out;
}

bool reduces(const Scenario& s) {
  return replicas(s) > 1 || s.plan.tp * replicas(s) > s.plan.ep * s.plan.etp;
}

}  // namespace

std::vector<SearchDimension> variant_dimension_table() {
  using strategies::Offload;
  using strategies::Overlap;
  using strategies::Plan;
  const auto sharded = [](const Scenario& s) { return s.plan.zero > 0; };
  const auto pipelined = [](const Scenario& s) { return s.plan.pp > 1; };
  return {
      plan_row<&Plan::zero>("strategy.zero", &zero_stages,
                            [](const Scenario& s) { return replicas(s) > 1; }),
      plan_row<&Plan::shard_group>("strategy.shard_group", &shard_groups, sharded),
      plan_row<&Plan::reshard_after_forward>("strategy.reshard_after_forward", &both,
                                             [](const Scenario& s) { return s.plan.zero == 3; }),
      overlap_row<&Overlap::grad_reduce>("strategy.overlap.grad_reduce", &reduces),
      overlap_row<&Overlap::param_gather>("strategy.overlap.param_gather", sharded),
      overlap_row<&Overlap::p2p>("strategy.overlap.p2p", pipelined),
      offload_row<&Offload::optimizer>("strategy.offload.optimizer"),
  };
}

}  // namespace studies
