// What a rank handles of a layer of experts. Internal to models/.
#pragma once

#include <algorithm>
#include <cstdint>

#include "models/operator_builder.hpp"

namespace models::detail {

struct MoeSizes {
  std::int64_t tokens = 0;         // distinct tokens this rank routes
  std::int64_t assigned = 0;       // token copies it sends: tokens * top_k
  std::int64_t received = 0;       // token copies its experts compute
  std::int64_t local_experts = 0;  // experts held by this rank
  std::int64_t ffn = 0;            // inner size on this rank
};

inline MoeSizes moe_sizes(const Moe& moe, const Shard& shard, const Dims& dims) {
  MoeSizes sizes;
  sizes.tokens = ceil_div(dims.tokens, shard.tp);
  sizes.assigned = sizes.tokens * moe.top_k;
  // Ranks of one expert-tensor group compute the same tokens, each a slice of the inner size.
  double load = shard.expert_load;
  if (moe.capacity_factor > 0.0) load = std::min(load, moe.capacity_factor);
  sizes.received =
      static_cast<std::int64_t>(static_cast<double>(sizes.assigned * shard.etp) * load + 0.5);
  sizes.received = std::max<std::int64_t>(sizes.received, 1);
  sizes.local_experts = ceil_div(moe.experts, shard.ep);
  sizes.ffn = ceil_div(moe.ffn, shard.etp);
  return sizes;
}

// Whether plain PyTorch sorts and copies the tokens: an exchange that routes has kernels of its
// own.
inline bool sorts_copies(const OperatorBuilder& builder, const Shard& shard) {
  return !builder.kernels().fused_permutation && !shard.exchange_routes;
}

// Tokens on their way to the experts, before and after the exchange, and back: `quantised` ones are
// cast before they are copied.
void add_dispatch(OperatorBuilder& builder, const Transformer& model, const Shard& shard,
                  const MoeSizes& sizes, bool quantised);
void add_combine(OperatorBuilder& builder, const Transformer& model, const Shard& shard,
                 const MoeSizes& sizes);
// What fp8 products want of each expert's rows, before and after them.
void add_padding(OperatorBuilder& builder, const Transformer& model, Region region,
                 const MoeSizes& sizes);

}  // namespace models::detail
