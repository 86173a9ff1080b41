// Small scenarios that cover every strategy and their compositions, for laws that must hold in all.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "scenarios/reader.hpp"

namespace properties {

struct Composition {
  std::string name;
  std::int64_t gpus;
  std::string strategy;  // YAML flow mapping
  std::string model = "{layers: 8, hidden: 2048, heads: 16, kv_heads: 8, ffn: 5632, vocab: 32000}";
  std::string training = "seq_len: 2048, global_batch: 64, micro_batch: 1";
  std::string cluster = "preset: dgx-a100";
  std::string implementation = "megatron-core";
};

inline scenarios::Scenario read(const Composition& c) {
  return scenarios::read_scenario_text(
      fmt::format("name: {}\nmodel: {}\ncluster: {{{}, gpus: {}}}\ntraining: {{{}}}\n"
                  "strategy: {}\nimplementation: {}\n",
                  c.name, c.model, c.cluster, c.gpus, c.training, c.strategy, c.implementation),
      c.name + ".yaml");
}

inline std::vector<Composition> compositions() {
  const std::string moe =
      "{layers: 4, hidden: 1024, heads: 16, kv_heads: 8, ffn: 2816, vocab: 32000, "
      "moe: {experts: 8, top_k: 2, ffn: 1408}}";
  const std::string tied =
      "{layers: 8, hidden: 2048, heads: 16, ffn: 8192, gated_mlp: false, tied_embeddings: true, "
      "vocab: 50257}";
  return {
      {"ddp", 16, "{dp: 16}"},
      {"ddp fsdp profile", 32, "{dp: 32, zero: 0}", tied},
      {"zero1", 64, "{zero: 1}"},
      {"zero2", 64, "{zero: 2, overlap: {grad_reduce: false, param_gather: false}}"},
      {"zero3", 64, "{zero: 3}"},
      {"hsdp", 64, "{zero: 3, shard_group: 8}"},
      {"tp", 8, "{tp: 8, dp: 1}"},
      {"tp dp", 64, "{tp: 4, sequence_parallel: true}"},
      {"tp over nodes", 32, "{tp: 16, sequence_parallel: true}"},
      {"pp", 8, "{pp: 8}", tied},
      {"gpipe", 8, "{pp: 4, schedule: gpipe}"},
      {"interleaved", 32, "{pp: 4, vpp: 2, schedule: interleaved}"},
      {"3d", 128, "{tp: 8, sequence_parallel: true, pp: 4, zero: 1}"},
      {"3d overlapped", 128,
       "{tp: 4, sequence_parallel: true, pp: 2, vpp: 4, schedule: interleaved, "
       "zero: 2, overlap: {tp: true, p2p: true}}"},
      {"cp ring", 32, "{cp: 4, cp_type: ring}"},
      {"cp all-gather", 64, "{tp: 2, cp: 8, cp_type: allgather, zero: 1}"},
      {"ulysses", 32, "{cp: 8, cp_type: ulysses}"},
      {"4d", 512,
       "{tp: 8, sequence_parallel: true, cp: 2, pp: 4, vpp: 2, schedule: interleaved, "
       "zero: 1}"},
      {"expert parallel", 32, "{ep: 8}", moe},
      {"expert and tensor", 64, "{tp: 2, sequence_parallel: true, ep: 4, etp: 2, pp: 2}", moe},
      {"fp8 maxima", 64, "{tp: 2, sequence_parallel: true, cp: 2, pp: 4, vpp: 2, zero: 1}",
       "{layers: 8, hidden: 2048, heads: 16, kv_heads: 8, ffn: 5632, vocab: 32000}",
       "seq_len: 2048, global_batch: 64, micro_batch: 1, precision: fp8, recompute: full",
       "preset: dgx-h100"},
      {"fp8 maxima of a replica", 64, "{tp: 4, pp: 2, schedule: zb-h1}",
       "{layers: 8, hidden: 2048, heads: 16, kv_heads: 8, ffn: 5632, vocab: 32000}",
       "seq_len: 2048, global_batch: 64, micro_batch: 1, precision: fp8, fp8_amax_reduce: tensor",
       "preset: dgx-h100"},
      {"other order", 64, "{tp: 2, pp: 4, rank_order: pp-dp-cp-ep-tp}"},
      {"few NICs", 64, "{tp: 4, pp: 2}",
       "{layers: 8, hidden: 2048, heads: 16, kv_heads: 8, ffn: 5632, vocab: 32000}",
       "seq_len: 2048, global_batch: 64, micro_batch: 1", "preset: p4d"},
      {"pcie", 8, "{zero: 3}",
       "{layers: 8, hidden: 2048, heads: 16, kv_heads: 8, ffn: 5632, vocab: 32000}",
       "seq_len: 1024, global_batch: 32, micro_batch: 1", "preset: pcie-box", "fsdp"},
      {"cube mesh", 32, "{tp: 8, pp: 2}",
       "{layers: 8, hidden: 2048, heads: 16, kv_heads: 8, ffn: 5632, vocab: 32000}",
       "seq_len: 1024, global_batch: 32, micro_batch: 1, precision: fp16", "preset: dgx1-v100"},
  };
}

}  // namespace properties
