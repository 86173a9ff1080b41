// The scenarios, values and reasons of effect_test.cpp.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "scenarios/reader.hpp"

namespace properties {

struct Base {
  const char* name;
  const char* text;
};

inline constexpr Base kBases[] = {
    {"3d",
     "model: {layers: 4, hidden: 512, heads: 8, kv_heads: 4, ffn: 1024, vocab: 4000, bias: true}\n"
     "cluster: {preset: dgx-h100, gpus: 16}\n"
     "training: {seq_len: 512, global_batch: 32, recompute: selective}\n"
     "strategy: {tp: 2, sequence_parallel: true, pp: 2, vpp: 2, zero: 1}\n"},
    {"experts",
     "model: {layers: 4, hidden: 512, heads: 8, ffn: 1024, vocab: 4000, mtp_layers: 1, moe: "
     "{experts: 8, top_k: 2, ffn: 256, shared_ffn: 256, first_dense_layers: 1, capacity_factor: "
     "1.25}, mla: {q_lora_rank: 64, kv_lora_rank: 64, qk_nope_head_dim: 32, qk_rope_head_dim: 16, "
     "v_head_dim: 32}}\n"
     "cluster: {preset: dgx-h100, gpus: 16}\n"
     "training: {seq_len: 512, global_batch: 64, precision: fp8, moe_balance: dropless, "
     "moe_imbalance: 0.3}\n"
     "strategy: {tp: 2, sequence_parallel: true, pp: 2, ep: 4, etp: 2, zero: 1}\n"
     "implementation: nemo\n"},
    {"sharded",
     "model: {layers: 4, hidden: 512, heads: 8, ffn: 1024, vocab: 4000}\n"
     "cluster: {preset: dgx-a100, gpus: 32}\n"
     "training: {seq_len: 512, global_batch: 64, recompute: {mode: full, every: 2}}\n"
     "strategy: {tp: 2, zero: 3, shard_group: 8}\n"
     "implementation: torchtitan\n"},
    {"2021",
     "model: {layers: 4, hidden: 512, heads: 8, ffn: 2048, vocab: 4000, gated_mlp: false, bias: "
     "true, tied_embeddings: true, norm: layernorm, position: learned, max_positions: 512}\n"
     "cluster: {preset: dgx1-v100, gpus: 16}\n"
     "training: {seq_len: 512, global_batch: 32, attention: math}\n"
     "strategy: {tp: 2, pp: 4}\n"
     "implementation: megatron-lm-2021\n"},
    {"lists",
     "model: {layers: 4, hidden: 512, heads: 8, ffn: 1024, vocab: 4000}\n"
     "cluster: {preset: p5, gpus: 16}\n"
     "training: {seq_len: 512, global_batch: 64, micro_batch: 2}\n"
     "strategy: {tp: 2, sequence_parallel: true, pp: 2, zero: 1}\n"
     "implementation: nanotron\n"},
    {"host",
     "model: {layers: 4, hidden: 512, heads: 8, ffn: 1024, vocab: 4000}\n"
     "cluster: {preset: pcie-box, gpus: 8, nvme: 10 GB/s}\n"
     "training: {seq_len: 512, global_batch: 16}\n"
     "strategy: {zero: 2, offload: {optimizer: 1, activations: 0.5, nvme: true}}\n"
     "implementation: deepspeed\n"},
    {"long",
     "model: {layers: 4, hidden: 512, heads: 8, ffn: 1024, vocab: 4000}\n"
     "cluster: {preset: dgx-h100, gpus: 16}\n"
     "training: {seq_len: 8192, global_batch: 8}\n"
     "strategy: {cp: 8, cp_type: hybrid, cp_ulysses: 2, cp_balance: contiguous, zero: 3}\n"
     "implementation: fsdp\n"},
    {"replicas",
     "model: {layers: 4, hidden: 512, heads: 8, ffn: 1024, vocab: 4000, window: 128}\n"
     "cluster: {preset: dgx-b200, gpus: 16}\n"
     "training: {seq_len: 512, global_batch: 64}\n"
     "strategy: {dp: 16}\n"
     "implementation: fsdp\n"},
};

// Settings of training and strategy that change nothing, and why they may.
struct Rest {
  const char* key;
  const char* reason;
  bool (*rests)(const scenarios::Scenario& s, const std::string& value);
};

using Said = const std::string&;
using scenarios::Scenario;

inline constexpr Rest kRests[] = {
    {"training.precision", "two formats of 16 bits cost the same",
     [](const Scenario&, Said v) { return v == "fp16"; }},
    {"training.grad_dtype", "two formats of 16 bits cost the same",
     [](const Scenario&, Said v) { return v == "fp16"; }},
    {"training.optimizer", "another name of adamw",
     [](const Scenario&, Said v) { return v == "adam"; }},
    {"training.fp8_recipe", "no fp8 run",
     [](const Scenario& s, Said) { return s.training.precision != models::Precision::fp8; }},
    {"training.fp8_amax_reduce", "no fp8 run",
     [](const Scenario& s, Said) { return s.training.precision != models::Precision::fp8; }},
    {"training.recompute", "sqrt is every second of four layers, as it is written here",
     [](const Scenario& s, Said v) { return v == "sqrt" && s.training.recompute.every == 2; }},
    {"training.deallocate_early", "full recomputation keeps nothing; search and sweeps choose it",
     [](const Scenario& s, Said) {
       return s.training.recompute.mode == strategies::Recompute::full;
     }},
    {"training.recompute.layers", "all layers there are",
     [](const Scenario&, Said v) { return std::stoi(v) >= 4; }},
    {"strategy.sequence_parallel", "degree 1",
     [](const Scenario& s, Said) { return s.plan.tp == 1; }},
    {"strategy.overlap.tp", "degree 1", [](const Scenario& s, Said) { return s.plan.tp == 1; }},
    {"strategy.cp_type", "degree 1, or another name of hybrid",
     [](const Scenario& s, Said v) { return s.plan.cp == 1 || v == "usp" || v == "a2a+p2p"; }},
    {"strategy.cp_balance", "degree 1", [](const Scenario& s, Said) { return s.plan.cp == 1; }},
    {"strategy.overlap.p2p", "degree 1", [](const Scenario& s, Said) { return s.plan.pp == 1; }},
    {"strategy.pp_layout.embedding_as_layer", "degree 1, or the same layout",
     [](const Scenario& s, Said) { return s.plan.pp * s.plan.vpp <= 2; }},
    {"strategy.micro_batch_group", "the default: pp",
     [](const Scenario& s, Said v) { return std::stoi(v) == s.plan.pp; }},
    {"strategy.reshard_after_forward", "nothing is gathered for a forward",
     [](const Scenario& s, Said v) { return s.plan.zero < 3 && v == "true"; }},
    {"strategy.overlap.param_gather", "nothing is gathered",
     [](const Scenario& s, Said) { return s.plan.zero == 0; }},
    {"strategy.overlap.grad_reduce", "the reader warns: nanotron reduces behind backward",
     [](const Scenario& s, Said) { return s.implementation.zero_reduces_after_backward; }},
};

// Values for keys whose others a table cannot guess, and what they need beside them.
struct Probe {
  const char* key;
  const char* base;
  std::vector<std::string> beside;
  const char* value;
};

// Nodes of a small tree.
inline const std::vector<std::string> kTree{"cluster.gpus=128", "strategy.dp=32",
                                            "training.global_batch=64",
                                            "cluster.inter_node.fabric=fat_tree"};
inline std::vector<std::string> tree(std::vector<std::string> more) {
  more.insert(more.begin(), kTree.begin(), kTree.end());
  return more;
}

inline const std::vector<Probe> kProbes{
    {"model.moe.node_limit",
     "experts",
     {"strategy.pp=1", "strategy.ep=8", "strategy.etp=1", "strategy.ep_dispatch=node_limited",
      "cluster.gpus_per_node=4", "cluster.nvlink_domain=4"},
     "1"},
    {"cluster.inter_node.oversubscription", "3d", tree({"cluster.inter_node.nodes_per_leaf=2"}),
     "8"},
    {"cluster.inter_node.nodes_per_leaf", "3d", tree({"cluster.inter_node.oversubscription=8"}),
     "2"},
    {"cluster.inter_node.leaves_per_pod", "3d",
     tree({"cluster.inter_node.nodes_per_leaf=2", "cluster.inter_node.oversubscription=8"}), "2"},
    {"training.recompute.modules", "3d", {}, "[mlp]"},
    {"training.moe_distribution",
     "experts",
     {"training.moe_imbalance=0", "training.moe_distribution=zipf", "training.moe_alpha=1"},
     "dirichlet"},
    {"training.moe_alpha",
     "experts",
     {"training.moe_imbalance=0", "training.moe_distribution=zipf", "training.moe_alpha=0.5"},
     "1"},
    {"training.moe_shares", "experts", {"training.moe_imbalance=0"}, "[9, 1, 1, 1, 1, 1, 1, 1]"},
    {"training.cuda_graph_experts", "experts", {"training.cuda_graph=true"}, "false"},
    {"training.cuda_graph_attention", "experts", {"training.cuda_graph=true"}, "false"},
    {"strategy.cp_type", "long", {"strategy.cp_ulysses=1", "strategy.cp_type=ring"}, "allgather"},
    {"strategy.schedule", "2021", {}, "gpipe"},
    {"strategy.max_in_flight", "2021", {"strategy.schedule=memory-bounded"}, "2"},
    {"strategy.pp_layout.layout", "2021", {}, "E|tt|t|tL"},
    {"strategy.pp_layout.stages", "2021", {}, "[2, 1, 1, 0]"},
    {"strategy.overlap.delay_wgrad", "experts", {"strategy.overlap.ep_passes=true"}, "true"},
    {"strategy.rank_order", "2021", {}, "pp-tp-cp-ep-dp"},
    {"implementation.rank_order", "2021", {}, "pp-tp-cp-ep-dp"},
    {"implementation.base", "replicas", {}, "nanotron"},
    {"implementation.library_version", "3d", {}, "2.18"},
    {"implementation.compiles_loss", "replicas", {"training.compile=true"}, "true"},
    {"implementation.selective_recompute", "3d", {}, "[mlp]"},
    {"faults.slow_links", "3d", {}, "[{link: gpu0->node0/nvswitch0, factor: 50}]"},
    {"faults.slow_ranks", "3d", {}, "[{rank: 1, factor: 2}]"},
    {"faults.jitter", "3d", {}, "0.1"},
    {"faults.seed", "3d", {"faults.jitter=0.1"}, "7"},
};

// Keys that no prediction of these scenarios shows, and why.
inline const std::map<std::string, const char*> kElsewhere{
    {"name", "a title"},
    {"model.base", "names the model"},
    {"model.hf", "names the model"},
    {"model.blocks", "a model of its own kind: tests/models/blocks_test.cpp"},
    {"cluster.preset", "names the cluster"},
    {"cluster.inter_node.hop_latency", "of routes (topology); collectives count one switch a hop"},
    {"cluster.device.memory", "default of cluster.device.usable_memory"},
    {"strategy.dp", "follows from the devices"},
    {"cluster.inter_node.torus", "a fabric of its own kind: tests/topologies/torus_test.cpp"},
    {"cluster.calibration", "a file: tests/scenarios/test_files.cpp"},
    {"cluster.price", "of search, explain and compare"},
    {"cluster.power", "of explain and compare"},
    {"cluster.real_gpus", "warns"},
    {"cluster.device.base", "names the device"},
    {"cluster.device.peak", "a value a precision"},
    {"cluster.device.gemm_efficiency", "a value a precision"},
    {"cluster.device.vector_peak", "of products with odd sizes: tests/models/cost_test.cpp"},
    {"cluster.device.power", "default of cluster.power"},
    {"cluster.device.scale_up", "default of cluster.intra_node.bandwidth"},
    {"cluster.device.scale_up_latency", "default of cluster.intra_node.latency"},
    {"training.recompute.mode", "training.recompute says it"},
    {"strategy.schedule_file", "a file: tests/scenarios/test_schedule_file.cpp"},
    {"faults.failures", "of the length of a training run (explain)"},
    {"plugins", "a file: examples/plugin"},
    {"search.fixed", "of search"},
    {"search.ranges", "of search"},
    {"search.max_memory", "of search"},
    {"search.gpus", "of search"},
};

}  // namespace properties
