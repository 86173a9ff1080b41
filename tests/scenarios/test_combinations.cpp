// Combinations that cannot be: each is refused with its reason and with what would be right.
#include <catch2/catch.hpp>

#include <fmt/format.h>

#include "support.hpp"

namespace {

struct Refused {
  const char* strategy;
  const char* reason;  // part of the message
  const char* right;   // part of the hint, or of the message where it says so itself
  const char* training = "";
  const char* model = "";
  const char* cluster = "gpus: 16";
};

constexpr const char* kMoe = "moe: {experts: 8, top_k: 2, ffn: 1024}";

std::string scenario(const Refused& c) {
  const std::string training = std::string(c.training).find("seq_len") == std::string::npos
                                   ? fmt::format("seq_len: 4096, {}", c.training)
                                   : c.training;
  const std::string batch =
      training.find("global_batch") == std::string::npos ? "global_batch: 64, " : "";
  return fmt::format(
      "model: {{layers: 8, hidden: 1024, heads: 16, {}vocab: 32000, {}}}\n"
      "cluster: {{preset: dgx-h100, {}}}\ntraining: {{{}{}}}\nstrategy: {{{}}}\n",
      std::string(c.model).find("ffn: 4100") == std::string::npos ? "ffn: 4096, " : "", c.model,
      c.cluster, batch, training, c.strategy);
}

const std::vector<Refused> kRefused{
    // Sizes that do not divide.
    {"tp: 2, pp: 3, dp: 4", "2·1·3·4 = 24, but cluster.gpus is 16",
     "a multiple of tp·cp·pp = 6: 12 or 18"},
    {"tp: 3", "tp = 3 does not divide model.heads = 16", "divisors of 16: 1, 2, 4, 8, 16", "", "",
     "gpus: 24"},
    {"tp: 8", "tp = 8 does not divide model.ffn = 4100", "divisors of 4100", "", "ffn: 4100"},
    {"ep: 3", "ep = 3 does not divide model.moe.experts = 8", "divisors of 8", "", kMoe,
     "gpus: 24"},
    {"ep: 4, etp: 3", "etp = 3 does not divide model.moe.ffn = 1024", "divisors of 1024", "", kMoe},
    {"ep: 8, etp: 4", "ep·etp = 32 does not divide tp·cp·dp = 16", "divisors of 16", "", kMoe},
    {"cp: 2", "2·cp = 4 does not divide training.seq_len = 4098", "divisors of 4098",
     "seq_len: 4098"},
    {"tp: 4, cp: 8, cp_type: ulysses", "tp·cp = 32 does not divide model.heads = 16",
     "divisors of 16", "", "", "gpus: 32"},
    {"tp: 4, sequence_parallel: true", "tp = 4 does not divide training.seq_len / cp = 4098",
     "divisors of 4098", "seq_len: 4098"},
    {"dp: 16", "global_batch = 30 is no multiple of dp·micro_batch = 16·1 = 16",
     "training.global_batch: 16 or 32", "global_batch: 30"},
    {"zero: 3, shard_group: 3", "shard_group = 3 does not divide dp·cp = 16", "divisors of 16"},
    // What the model has not.
    {"ep: 2", "ep = 2, but the model has no experts", "strategy.ep: 1"},
    {"etp: 2", "etp = 2, but the model has no experts", "strategy.etp: 1"},
    {"ep_dispatch: allgather", "the model has no experts", "leave it out"},
    {"overlap: {ep: true}", "the model has no experts", "leave it out"},
    {"ep: 4", "balanced experts have no moe_distribution: zipf", "training.moe_balance: dropless",
     "moe_distribution: zipf, moe_alpha: 1", kMoe},
    {"ep: 4", "moe_distribution: zipf needs moe_alpha above 0", "training.moe_alpha: 1",
     "moe_balance: dropless, moe_distribution: zipf", kMoe},
    {"ep: 4", "moe_distribution: normal has no moe_alpha", "zipf or dirichlet",
     "moe_balance: dropless, moe_alpha: 2", kMoe},
    {"ep: 4", "not of dirichlet", "moe_distribution: normal",
     "moe_balance: dropless, moe_distribution: dirichlet, moe_alpha: 1, moe_imbalance: 0.2", kMoe},
    {"ep: 4", "moe_distribution: shares needs moe_shares", "[tokens of each expert]",
     "moe_balance: dropless, moe_distribution: shares", kMoe},
    {"ep: 4", "moe_shares names 3 experts, but the model has 8", "give 8 numbers",
     "moe_balance: dropless, moe_shares: [1, 2, 3]", kMoe},
    {"ep: 4", "a token goes to 2 experts, but moe_shares gives tokens to 1", "2 experts or more",
     "moe_balance: dropless, moe_shares: [3, 0, 0, 0, 0, 0, 0, 0]", kMoe},
    {"", "the model has no experts for moe_distribution: zipf", "leave it out",
     "moe_balance: dropless, moe_distribution: zipf, moe_alpha: 1"},
    {"overlap: {ep_passes: true}", "the model has no experts that exchange tokens", "leave it out"},
    {"pp: 4, schedule: dualpipe, overlap: {delay_wgrad: true}",
     "no experts whose weight gradients could wait", "leave it out"},
    {"ep: 4, overlap: {ep: true}", "hides behind a shared expert", "overlap.ep: false", "", kMoe},
    {"", "no experts that tokens could spread over", "leave it out", "moe_balance: dropless"},
    {"ep: 4", "balanced experts have no moe_imbalance", "moe_balance: dropless",
     "moe_imbalance: 0.3", kMoe},
    {"", "module moe_act belongs to experts", "core_attn", "recompute: {modules: [moe_act]}"},
    {"", "module mla_up_proj belongs to multi-head latent attention", "core_attn",
     "recompute: {modules: [mla_up_proj]}"},
    {"ep: 4", "module mlp belongs to dense feed-forward blocks", "moe_act",
     "recompute: {modules: [mlp]}", kMoe},
    {"", "modules are recomputed by mode: selective", "mode: selective",
     "recompute: {mode: full, modules: [core_attn]}"},
    {"", "counts whole layers", "mode: full", "recompute: {mode: selective, every: 2}"},
    {"pp: 4, micro_batch_group: 8", "micro_batch_group = 8 is of the interleaved schedule",
     "strategy.vpp: 2"},
    {"", "leaves attention out of a graph, but there is none", "training.cuda_graph: true",
     "cuda_graph_attention: false"},
    {"", "no experts that a graph could leave out", "leave it out",
     "cuda_graph: true, cuda_graph_experts: false"},
    {"shard_group: 8", "shard_group = 8 shares nothing out", "strategy.zero: 1, 2 or 3"},
    {"zero: 3, gather_group: 4", "but 8 ranks of a shard group lie on a node",
     "strategy.gather_group: 8"},
    {"zero: 3, gather_group: 8, secondary_shard: 8", "gathered in one hop", "keep one"},
    {"cp: 2, cp_type: ulysses, cp_balance: contiguous", "ranks that exchange heads see the whole",
     "strategy.cp_balance: head_tail"},
    {"zero: 1, quantized_weights: true", "travel where layers gather them", "strategy.zero: 3"},
    {"tp: 2, overlap: {tp: true}", "which sequence parallelism has",
     "strategy.sequence_parallel: true"},
    {"zero: 1, reshard_after_forward: false", "with zero: 3 only", "strategy.zero: 3"},
    {"", "where scales are delayed", "training.fp8_recipe: delayed",
     "precision: fp8, fp8_recipe: blockwise, fp8_amax_reduce: tensor"},
    {"cp: 2, cp_balance: contiguous", "is not causal", "head_tail", "", "causal: false"},
    {"ep: 4, overlap: {delay_wgrad: true}", "overlap.ep_passes is false",
     "strategy.overlap.ep_passes: true", "", kMoe},
    {"ep: 4", "moe_balance: drop needs a capacity", "model.moe.capacity_factor: 1.25",
     "moe_balance: drop", kMoe},
    {"dp: 16", "seq_len = 4096 exceeds the 1024 learned positions", "at most 1024", "",
     "position: learned, max_positions: 1024"},
    // Pipelines.
    {"vpp: 2", "vpp = 2 needs a pipeline, but pp is 1", "strategy.vpp: 1, or pp above 1"},
    {"pp: 4, vpp: 2, schedule: 1f1b", "runs one model chunk per stage, not vpp = 2",
     "use schedule: interleaved"},
    {"pp: 4, schedule: interleaved", "the interleaved schedule needs vpp > 1",
     "strategy.schedule: 1f1b, or vpp: 2"},
    {"pp: 4, schedule: zb-v", "folds the model in a V", "vpp must be 2"},
    {"pp: 4, vpp: 2, schedule: dualpipe", "one chunk for each of its two directions",
     "vpp must be 1"},
    {"pp: 3, schedule: dualpipe", "needs an even number of stages", "even", "", "", "gpus: 12"},
    {"pp: 4, schedule: dualpipe", "needs an even number of micro-batches", "at least 2 pp = 8",
     "global_batch: 16"},
    {"pp: 4, vpp: 2, schedule: dualpipev", "dualpipev needs at least 2 pp = 8 micro-batches",
     "not 4", "global_batch: 16"},
    {"pp: 2, vpp: 4, schedule: memory-bounded", "one chunk a stage, or two in a V",
     "vpp must be 1 or 2"},
    {"pp: 4, schedule: 1f1", "there is no schedule '1f1'", "did you mean 1f1b?"},
    {"pp: 4, max_in_flight: 3", "max_in_flight = 3 has no say in it",
     "strategy.schedule: memory-bounded"},
    {"pp: 4, vpp: 2, micro_batch_group: 1, overlap: {ep_passes: true}",
     "with passes in pairs, stage 0 waits for ever", "strategy.micro_batch_group: pp or more"},
    {"pp: 16", "8 layers cannot fill pp·vpp = 16·1 = 16 chunks", "pp·vpp of at most 8"},
    {"pp: 4, pp_layout: {stages: [4, 4]}", "pp_layout names 2 chunks, but pp·vpp = 4·1 = 4",
     "give 4 numbers"},
    {"pp: 2, pp_layout: {stages: [4, 5]}", "pp_layout places 9 layers, but the model has 8",
     "the numbers must sum to 8"},
    {"pp: 2, pp_layout: {layout: Etttt|ttt}", "must end with L", "Ett|(tt|)*6tL"},
    {"pp: 2, pp_layout: {layout: tttt|ttttL}", "must begin with E", "Ett|"},
    {"pp: 2, pp_layout: {layout: 'E(tttt|ttttL'}", "a '(' without its ')', at character 13",
     "Ett|"},
    {"pp: 2, pp_layout: {layout: Ettxt|ttttL}",
     "'x' is none of E, t, m, L, |, (, ), *, at "
     "character 4",
     "Ett|"},
    {"pp: 2, pp_layout: {layout: Et*|tttL}", "a '*' without a number, at character 4", "Ett|"},
    {"pp: 2, pp_layout: {layout: Etttt|ttttmL}", "1 multi-token-prediction layers (m), the model 0",
     "as many m as model.mtp_layers"},
    {"pp: 2, pp_layout: {layout: Etttt|ttttL, stages: [4, 4]}", "exclude each other",
     "keep one of the two"},
    {"rank_order: tp-cp-dp-pp", "does not name each dimension once", "tp-cp-ep-dp-pp"},
    // Context.
    {"cp: 4, cp_ulysses: 2", "cp_ulysses = 2 needs rings beside it", "strategy.cp_type: hybrid"},
    {"cp: 4, cp_type: hybrid, cp_ulysses: 3", "cp_ulysses = 3 does not divide cp = 4",
     "a divisor of cp"},
    {"tp: 8, cp: 4, cp_type: hybrid, cp_ulysses: 4", "tp·cp_ulysses = 32 does not divide",
     "fewer ranks that exchange heads", "", "", "gpus: 32"},
    {"cp: 4, cp_balance: contiguous", "a sliding window is as much work for every rank",
     "strategy.cp_balance: head_tail", "", "window: 512"},
    // Sharding.
    {"quantized_weights: true", "quantized_weights needs sharding", "strategy.zero: 1, 2 or 3"},
    {"zero: 1, secondary_shard: 8", "a secondary copy (hpZ) is of parameters that are sharded",
     "strategy.zero: 3"},
    {"zero: 3, secondary_shard: 16", "is no smaller part of shard_group = 16",
     "a divisor below it"},
    {"zero: 3, secondary_shard: 8, reshard_after_forward: false", "need no secondary copy",
     "strategy.secondary_shard: 0"},
    {"zero: 1, gather_group: 8", "gather_group = 8 gathers sharded parameters, but zero = 1",
     "strategy.zero: 3"},
    {"zero: 3, gather_group: 16", "leaves no two hops in shard_group = 16", "a divisor between 1"},
    {"zero: 1, shard_group: 8, grad_reduce: two_hop", "keeps scattered gradients",
     "strategy.zero: 2 or 3"},
    {"zero: 3, grad_reduce: two_hop", "needs several shard groups", "strategy.shard_group"},
    {"offload: {nvme: true}", "nothing is offloaded", "strategy.offload.optimizer: 1"},
    {"offload: {optimizer: 1, nvme: true}", "cluster.nvme is not known", "cluster.nvme: 25 GB/s"},
    // Precision.
    {"ep: 4, ep_dispatch_dtype: fp32", "tokens do not travel in fp32", "bf16 (16 bits) or fp8", "",
     kMoe},
    {"ep: 4, ep_dispatch_dtype: fp8", "tokens in fp8 are for products in fp8, not bf16",
     "training.precision: fp8", "", kMoe},
    {"dp: 16", "h100-80gb has no products of MXFP8 blocks", "training.fp8_recipe: blockwise",
     "precision: fp8, fp8_recipe: mxfp8"},
    {"dp: 16", "gradients are not accumulated in fp8", "fp32, bf16 or fp16", "grad_dtype: fp8"},
    {"dp: 16", "h100-80gb does not support fp4", "it supports", "precision: fp4"},
    {"dp: 16", "loss_chunks = 1024 are more than the 512 tokens of a rank", "at most 512",
     "seq_len: 512, loss_chunks: 1024"},
};

}  // namespace

TEST_CASE("combinations that cannot be are refused with a reason and what would be right") {
  CHECK(kRefused.size() >= 30);
  for (const Refused& c : kRefused) {
    const std::string text = scenario(c);
    const std::string said = support::complaint(text, "in.yaml");
    INFO(text << "\n" << said);
    CHECK_THAT(said, Catch::Contains(c.reason));
    CHECK_THAT(said, Catch::Contains(c.right));
    CHECK_THAT(said, Catch::Contains("in.yaml:"));
  }
}

TEST_CASE(
    "keys of a profile that its others leave without a say are refused where they are written") {
  const std::pair<const char*, const char*> rows[] = {
      {"base: fsdp, bucket: 10 MB", "each layer is a bucket"},
      {"base: fsdp, list_slice: 10 us", "no list of slices"},
      {"base: ideal, library_version: '2.18'", "no library's"},
      {"base: megatron-core, gradients_cast_apart: true", "add into the sum themselves"},
      {"base: fsdp, compiles_loss: true", "nothing is compiled"},
      {"base: fsdp, host_limits: false, kernels: {launch: 10 us}", "never holds the device up"},
      {"base: fsdp, host_limits: false, launch_blocking: true", "never holds the device up"},
      {"base: fsdp, kernels: {fused_softmax: true}", "no softmax of its own"}};
  for (const auto& [implementation, reason] : rows) {
    const std::string text =
        "model: llama2-7b\ncluster: {preset: dgx-h100, gpus: 8}\ntraining: {global_batch: 8}\n"
        "implementation: {" +
        std::string(implementation) + "}\n";
    INFO(text);
    CHECK_THAT(support::complaint(text, "in.yaml"), Catch::Contains(reason));
  }
}

TEST_CASE("what a code base does not do, however it is asked, is said aloud") {
  const auto scenario = scenarios::read_scenario_text(
      "model: llama2-7b\ncluster: {preset: dgx-h100, gpus: 8}\ntraining: {global_batch: 8}\n"
      "strategy: {zero: 1, overlap: {grad_reduce: true}}\nimplementation: nanotron\n",
      "in.yaml");
  REQUIRE(scenario.warnings.size() == 1);
  CHECK_THAT(scenario.warnings[0].message, Catch::Contains("at once behind backward"));
  const auto pairs = scenarios::read_scenario_text(
      "model: {layers: 8, hidden: 1024, heads: 16, vocab: 32000, moe: {experts: 8, top_k: 2, ffn: "
      "1024}}\ncluster: {preset: dgx-h100, gpus: 16}\ntraining: {global_batch: 64}\n"
      "strategy: {ep: 4, pp: 4, overlap: {ep_passes: true}}\n",
      "in.yaml");
  REQUIRE(pairs.warnings.size() == 1);
  CHECK_THAT(pairs.warnings[0].message, Catch::Contains("half of the pipeline idle"));
}
