// The model and the shard that tests of kept tensors count by hand.
#pragma once

#include <cstdint>
#include <numeric>
#include <vector>

#include "models/operators.hpp"

namespace test {

inline constexpr std::int64_t kSeq = 2048, kBatch = 2;

inline models::Transformer llama() {
  models::Transformer t;
  t.layers = 4;
  t.hidden = 8192;
  t.heads = 64;
  t.kv_heads = 8;
  t.head_dim = 128;
  t.ffn = 28672;
  t.vocab = 128256;
  return t;
}

inline models::Shard shard(std::int64_t tp, bool sp, models::AttentionKernel attention) {
  models::Shard s;
  s.micro_batch = kBatch;
  s.seq_len = kSeq;
  s.tp = tp;
  s.sequence_parallel = sp;
  s.attention = attention;
  return s;
}

inline std::int64_t saved(const std::vector<models::Operator>& operators,
                          models::Modules recomputed = 0) {
  return std::accumulate(operators.begin(), operators.end(), std::int64_t{0},
                         [recomputed](std::int64_t sum, const models::Operator& op) {
                           return sum + models::saved_bytes(op, recomputed).count();
                         });
}

}  // namespace test
