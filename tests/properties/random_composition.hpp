// Random scenarios in which every strategy meets every other: drawn from a seed, legal by
// construction, small enough to simulate unfolded.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "compositions.hpp"
#include "tests/draw.hpp"

namespace properties {

using tests::Draw;

// A schedule, with the chunks it takes; two chunks only where there are layers for them.
inline std::string random_schedule(Draw& draw, std::int64_t pp, std::int64_t& vpp) {
  const std::string schedule =
      draw.of<std::string>({"1f1b", "1f1b", "gpipe", "interleaved", "interleaved", "zb-h1", "zb-h2",
                            "zb-v", "memory-bounded", "memory-bounded", "dualpipe", "dualpipev"});
  const bool two = schedule == "interleaved" || schedule == "zb-v" || schedule == "dualpipev";
  vpp = two || (schedule == "memory-bounded" && draw.coin()) ? 2 : 1;
  std::string s = ", schedule: " + schedule;
  if (schedule == "memory-bounded") {
    s += fmt::format(", max_in_flight: {}", draw.of<std::int64_t>({0, 1, 2, 2 * pp}));
  }
  if (schedule == "interleaved") {
    s += fmt::format(", micro_batch_group: {}", draw.of<std::int64_t>({0, 0, 1, 3, 8}));
  }
  return s;
}

inline std::string random_context(Draw& draw, std::int64_t cp) {
  const std::string type = draw.of<std::string>({"ring", "allgather", "ulysses", "hybrid"});
  std::string s = ", cp_type: " + type;
  if (type == "hybrid") s += fmt::format(", cp_ulysses: {}", draw.coin() ? 2 : cp);
  // Where heads are exchanged, every rank has as much work.
  const bool rings = type == "ring" || type == "allgather" || s.ends_with("cp_ulysses: 2");
  const bool contiguous = draw.coin() && rings && !(cp == 2 && type == "hybrid");
  return s + (contiguous ? ", cp_balance: contiguous" : "");
}

// tp: neighbours of a shard group are so many ranks apart; nodes have eight.
inline std::string random_sharding(Draw& draw, int zero, std::int64_t replicas, std::int64_t tp) {
  std::string s;
  const bool groups = zero > 0 && replicas % 2 == 0 && draw.coin();
  const std::int64_t group = groups ? replicas / 2 : replicas;
  if (groups) s += fmt::format(", shard_group: {}", group);
  if (zero > 0 && draw.coin()) {
    s += ", quantized_gradients: true";
    if (zero == 3) s += ", quantized_weights: true";
  }
  const std::int64_t inside = 8 / tp;
  const bool second = zero == 3 && group % 2 == 0 && group > 2 && draw.coin();
  if (second) s += ", secondary_shard: 2";
  if (zero == 3 && !second && group > inside && draw.coin()) {
    s += fmt::format(", gather_group: {}", inside);
  }
  if (zero >= 2 && groups && draw.coin()) return s + ", grad_reduce: two_hop";
  return s + (draw.coin() ? ", grad_reduce: micro_batch" : "");
}

inline std::string random_experts(Draw& draw, std::int64_t ranks) {
  const std::int64_t ep = ranks % 2 == 0 ? draw.of<std::int64_t>({1, 2}) : 1;
  const std::int64_t etp = ranks % (2 * ep) == 0 ? draw.of<std::int64_t>({1, 1, 2}) : 1;
  return fmt::format(", ep: {}, etp: {}, ep_dispatch: {}", ep, etp,
                     draw.of<std::string>({"alltoall", "allgather", "node_limited"}));
}

inline std::string random_training(Draw& draw, bool moe) {
  const std::string recompute = draw.of<std::string>(
      {"none", "selective", "full", "sqrt", "{mode: full, every: 2}", "{mode: full, layers: 1}",
       "{modules: [layernorm, act]}", moe ? "{modules: [moe, moe_act]}" : "{modules: [mlp]}"});
  std::string s = ", recompute: " + recompute;
  if (moe && draw.coin()) {
    s += ", moe_balance: dropless, " +
         draw.of<std::string>({"moe_imbalance: 0.3", "moe_distribution: uniform",
                               "moe_distribution: zipf, moe_alpha: 0.5",
                               "moe_distribution: dirichlet, moe_alpha: 4",
                               "moe_shares: [9, 0, 7, 7, 8, 3, 1, 2]"});
  }
  if (draw.coin()) s += ", saved: {activation_input: fp8, attention_output: e5m6}";
  if (draw.coin()) s += ", loss_chunks: 4";
  if (draw.number() % 4 == 0) {
    s += fmt::format(", cuda_graph: true, cuda_graph_attention: {}", draw.coin());
    if (moe) s += fmt::format(", cuda_graph_experts: {}", draw.coin());
  }
  if (draw.number() % 4 == 0) {
    s += ", precision: fp8, fp8_amax_reduce: " +
         draw.of<std::string>({"replicas", "tensor", "none"});
  }
  return s + ", optimizer: " +
         draw.of<std::string>({"adamw", "adamw-8bit", "adamw-bf16", "adafactor", "sgd", "lion"});
}

inline Composition random_composition(std::uint64_t seed) {
  Draw draw(seed);
  const bool moe = draw.coin();
  const std::int64_t tp = draw.of<std::int64_t>({1, 1, 2, 4});
  const std::int64_t cp = draw.of<std::int64_t>({1, 1, 2, 4});
  const std::int64_t pp = draw.of<std::int64_t>({1, 2, 4});
  const std::int64_t dp = draw.of<std::int64_t>({1, 2, 4});
  const int zero = draw.of<int>({0, 1, 2, 3});
  std::int64_t vpp = 1;
  const std::string schedule = pp > 1 ? random_schedule(draw, pp, vpp) : "";
  const bool pairs = schedule.empty() || schedule.find("1f1b") != std::string::npos ||
                     schedule.find("micro_batch_group: 0") != std::string::npos;
  const bool deep = schedule.find("dualpipe") != std::string::npos;
  std::string s =
      fmt::format("{{tp: {}, cp: {}, pp: {}, dp: {}, vpp: {}, zero: {}", tp, cp, pp, dp, vpp, zero);
  s += schedule + random_sharding(draw, zero, dp * cp, tp);
  const bool split = tp > 1 && draw.coin();
  if (split) s += ", sequence_parallel: true";
  if (cp > 1) s += random_context(draw, cp);
  const bool beside = moe && pairs && draw.coin();
  s += fmt::format(
      ", overlap: {{grad_reduce: {}, param_gather: {}, tp: {}, ep_passes: {}, delay_wgrad: {}}}",
      draw.coin(), draw.coin(), draw.coin() && (split || tp == 1), beside,
      moe && (beside || deep) && draw.coin());
  if (moe) s += random_experts(draw, dp * cp * tp);
  if (draw.number() % 4 == 0) {
    s += fmt::format(", offload: {{optimizer: 1, activations: {}, parameters: {}, nvme: {}}}",
                     draw.of<std::string>({"0", "0.5", "1"}), draw.of<std::string>({"0", "1"}),
                     draw.coin());
  }
  const std::string training = random_training(draw, moe);
  const bool fp8 = training.find("precision: fp8") != std::string::npos;
  const std::string experts = moe ? ", moe: {experts: 8, top_k: 2, ffn: 512}" : "";
  Composition out{
      fmt::format("random {}", seed),
      tp * cp * pp * dp,
      s + "}",
      fmt::format("{{layers: 8, hidden: 512, heads: 16, kv_heads: 16, ffn: 1024, vocab: 4096{}}}",
                  experts),
      fmt::format("seq_len: 512, global_batch: {}, micro_batch: 1{}",
                  dp * pp * (deep ? 2 : draw.of<std::int64_t>({1, 2})), training),
      fmt::format("preset: {}, nvme: 20 GB/s", fp8 ? "dgx-h100" : "dgx-a100")};
  // A host that waits for messages has a clock that depends on when they come.
  if (pp > 1 && draw.coin()) out.implementation = "{base: megatron-core, p2p_synchronises: true}";
  return out;
}

}  // namespace properties
