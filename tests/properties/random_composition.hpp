// Random scenarios in which every strategy meets every other: drawn from a seed, legal by
// construction, small enough to simulate unfolded.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "compositions.hpp"

namespace properties {

// splitmix64: the same numbers on every platform.
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ULL + 1) {}

  std::uint64_t number() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  bool coin() { return number() % 2 == 0; }
  template <class T>
  T of(const std::vector<T>& values) {
    return values[number() % values.size()];
  }

 private:
  std::uint64_t state_;
};

inline Composition random_composition(std::uint64_t seed) {
  Draw draw(seed);
  const bool moe = draw.coin();
  const std::int64_t tp = draw.of<std::int64_t>({1, 1, 2, 4});
  const std::int64_t cp = draw.of<std::int64_t>({1, 1, 2});
  const std::int64_t pp = draw.of<std::int64_t>({1, 2, 4});
  const std::int64_t dp = draw.of<std::int64_t>({1, 2, 4});
  const std::int64_t vpp = pp > 1 && draw.coin() ? 2 : 1;
  const std::int64_t replicas = dp * cp;
  const int zero = draw.of<int>({0, 1, 2, 3});
  std::string s =
      fmt::format("{{tp: {}, cp: {}, pp: {}, dp: {}, vpp: {}, zero: {}", tp, cp, pp, dp, vpp, zero);
  const auto add = [&](bool when, const std::string& text) {
    if (when) s += ", " + text;
  };
  add(tp > 1 && draw.coin(), "sequence_parallel: true");
  add(cp > 1, "cp_type: " + draw.of<std::string>({"ring", "allgather", "ulysses"}));
  add(pp > 1 && vpp == 1, "schedule: " + draw.of<std::string>({"1f1b", "gpipe", "zb-h1", "1f1b"}));
  add(zero > 0 && replicas % 2 == 0 && draw.coin(), fmt::format("shard_group: {}", replicas / 2));
  add(zero > 0 && draw.coin(), "quantized_weights: true, quantized_gradients: true");
  add(draw.coin(), "grad_reduce: micro_batch");
  add(draw.coin(), fmt::format("overlap: {{grad_reduce: {}, param_gather: {}, tp: {}}}",
                               draw.coin(), draw.coin(), draw.coin()));
  const std::int64_t ep = moe ? draw.of<std::int64_t>({1, 2}) : 1;
  add(moe, fmt::format("ep: {}, etp: 1, ep_dispatch: {}", replicas * tp % ep == 0 ? ep : 1,
                       draw.of<std::string>({"alltoall", "allgather"})));
  add(draw.number() % 4 == 0, fmt::format("offload: {{optimizer: {}, activations: {}}}",
                                          draw.of<std::string>({"0", "0.5", "1"}),
                                          draw.of<std::string>({"0", "0.5", "1"})));
  const std::string recompute = draw.of<std::string>(
      {"none", "selective", "full", "{mode: full, every: 2}", "{mode: full, layers: 1}"});
  const std::string experts = moe ? ", moe: {experts: 8, top_k: 2, ffn: 512}" : "";
  return {fmt::format("random {}", seed), tp * cp * pp * dp, s + "}",
          fmt::format("{{layers: 8, hidden: 512, heads: 8, kv_heads: 8, ffn: 1024, vocab: 4096{}}}",
                      experts),
          fmt::format("seq_len: 512, global_batch: {}, micro_batch: 1, recompute: {}",
                      dp * pp * draw.of<std::int64_t>({1, 2}), recompute)};
}

}  // namespace properties
