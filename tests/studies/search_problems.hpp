// Small random searches, drawn from a seed, whose every strategy can be simulated.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <vector>

#include "scenarios/reader.hpp"
#include "studies/search.hpp"
#include "tests/draw.hpp"

namespace search_problems {

using tests::Draw;

inline scenarios::Scenario read(const std::string& text) {
  scenarios::ReadOptions options;
  options.check_strategy = false;
  return scenarios::read_scenario_text(text, "search.yaml", options);
}

// That the devices of a cluster know.
inline std::string precision_of(Draw& draw, const std::string& cluster) {
  if (cluster == "dgx1-v100") return "fp16";
  return cluster == "dgx-h100" ? draw.of({"bf16", "fp8"}) : "bf16";
}

inline void add(std::string& fixed, const char* key, const std::string& value) {
  fixed += fmt::format("{}{}: {}", fixed.empty() ? "" : ", ", key, value);
}

// What is fixed in every problem, or in half of them.
inline std::string fixed_of_all(Draw& draw) {
  std::string fixed;
  add(fixed, "sequence_parallel", draw.of({"true", "false"}));
  add(fixed, "overlap.tp", draw.of({"true", "false"}));
  if (draw.coin()) add(fixed, "cp", draw.of({"1", "2"}));
  if (draw.coin()) add(fixed, "rank_order", draw.of({"tp-cp-ep-dp-pp", "tp-cp-ep-pp-dp"}));
  return fixed;
}

// A model of a few layers on 4 to 16 GPUs; devices with so little memory that some strategies do
// not fit. What a search takes longest over is fixed, but differently each time.
inline std::string random_problem(std::uint64_t seed) {
  Draw draw(seed);
  const bool moe = draw.number() % 3 == 0;
  const std::string cluster = draw.of({"dgx-a100", "dgx-h100", "pcie-box", "dgx1-v100"});
  const std::string gpus = draw.of({"4", "8", "16"});
  std::string text = fmt::format(
      "name: random {}\n"
      "model: {{layers: {}, hidden: 512, heads: 8, kv_heads: {}, ffn: 1024, vocab: 8192, "
      "tied_embeddings: {}{}}}\n"
      "cluster: {{preset: {}, gpus: {}}}\n"
      "training: {{seq_len: {}, global_batch: {}, precision: {}, optimizer: {}}}\n"
      "implementation: {}\n",
      seed, draw.of({"3", "4", "6"}), draw.of({"2", "8"}), draw.coin(),
      moe ? ", moe: {experts: 4, top_k: 2, ffn: 512}" : "", cluster, gpus,
      draw.of({"512", "1024", "2048"}), draw.of({"16", "24", "32"}), precision_of(draw, cluster),
      draw.of({"adamw", "sgd", "adamw-8bit"}),
      draw.of(
          {"ideal", "megatron-core", "fsdp", "nanotron", "torchtitan", "deepspeed", "internevo"}));
  std::string fixed = fixed_of_all(draw);
  const auto fix = [&](const char* key, const std::string& value) { add(fixed, key, value); };
  if (draw.coin()) fix("vpp", "1");
  if (draw.coin()) fix("overlap.p2p", draw.of({"true", "false"}));
  if (draw.coin()) fix("overlap.param_gather", draw.of({"true", "false"}));
  if (draw.coin()) fix("reshard_after_forward", draw.of({"true", "false"}));
  if (draw.number() % 3 > 0) fix("offload.optimizer", draw.of({"0", "0.5", "1"}));
  if (draw.number() % 3 > 0) fix("offload.activations", draw.of({"0", "0.5", "1"}));
  if (draw.number() % 4 == 0) fix("grad_reduce", "micro_batch");
  if (moe) fix("etp", "1");
  fix("micro_batch", draw.of({"1", "2"}));
  fix("tp", draw.of({"1", "2", "4"}));
  text += fmt::format("search:\n  fixed: {{{}}}\n", fixed);
  if (draw.coin()) text += "  ranges: {recompute: [none, full], zero: [0, 1, 3]}\n";
  return text;
}

// Wider ones, whose every strategy is too many to simulate: larger models, some that predict more
// than one token, on up to 32 GPUs, from one micro-batch up, and every overlap free.
inline std::string wide_problem(std::uint64_t seed) {
  Draw draw(seed);
  const bool moe = draw.coin();
  const std::string cluster = draw.of({"dgx-a100", "dgx-h100", "pcie-box", "dgx1-v100"});
  const std::string gpus = draw.of({"4", "8", "16", "32"});
  const std::string size = draw.of({"hidden: 512, heads: 8, kv_heads: 8, ffn: 1024",
                                    "hidden: 4096, heads: 32, kv_heads: 8, ffn: 2048"});
  std::string text = fmt::format(
      "name: wide {}\n"
      "model: {{layers: {}, {}, vocab: {}, tied_embeddings: {}{}{}}}\n"
      "cluster: {{preset: {}, gpus: {}}}\n"
      "training: {{seq_len: {}, global_batch: {}, precision: {}, optimizer: {}}}\n"
      "implementation: {}\n",
      seed, draw.of({"3", "4", "6", "8"}), size, draw.of({"8192", "65536"}), draw.coin(),
      moe ? ", moe: {experts: 8, top_k: 2, ffn: 512}" : "",
      draw.number() % 4 == 0 ? ", mtp_layers: 1" : "", cluster, gpus,
      draw.of({"512", "1024", "4096", "16384"}), draw.of({"4", "8", "16", "32"}),
      precision_of(draw, cluster), draw.of({"adamw", "sgd", "adamw-8bit"}),
      draw.of({"ideal", "megatron-core", "fsdp", "nanotron", "torchtitan", "deepspeed", "internevo",
               "nemo", "megatron-deepspeed"}));
  std::string fixed = fixed_of_all(draw);
  const auto fix = [&](const char* key, const std::string& value) { add(fixed, key, value); };
  if (draw.number() % 3 == 0) fix("vpp", "1");
  fix("offload.optimizer", draw.of({"0", "0", "0.5", "1"}));
  fix("offload.activations", draw.of({"0", "0", "0.5", "1"}));
  if (draw.number() % 4 == 0) fix("grad_reduce", "micro_batch");
  if (moe) fix("etp", "1");
  fix("micro_batch", draw.of({"1", "2"}));
  fix("tp", draw.of({"1", "1", "2", "4"}));
  return text + fmt::format("search:\n  fixed: {{{}}}\n", fixed);
}

// Every strategy of a space, one after the other.
inline std::vector<studies::CandidateStrategy> all_of(const studies::SearchSpace& space) {
  std::vector<studies::CandidateStrategy> out;
  scenarios::Scenario scratch = space.base();
  const auto cores = space.cores().list;
  for (std::uint32_t c = 0; c < cores.size(); ++c) {
    space.apply(cores[c], scratch);
    const auto variants = space.variants(scratch);
    for (std::uint32_t v = 0; v < variants.size(); ++v) {
      out.push_back({{c, v}, cores[c], variants[v]});
    }
  }
  return out;
}

}  // namespace search_problems
