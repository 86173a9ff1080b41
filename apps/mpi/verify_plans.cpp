#include "apps/mpi/verify_plans.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/convert.hpp"

namespace apps::mpi {
namespace {

TrainerPlan plan(std::string name, int tp, int pp, int dp, int zero) {
  TrainerPlan out;
  out.name = std::move(name);
  out.tp = tp;
  out.pp = pp;
  out.dp = dp;
  out.zero = zero;
  return out;
}

}  // namespace

std::vector<TrainerPlan> plans_for(int ranks) {
  const int n = ranks >= 4 ? 4 : 2;
  std::vector<TrainerPlan> plans{
      plan("data parallel", 1, 1, n, 0),   plan("ZeRO-1", 1, 1, n, 1),
      plan("ZeRO-2", 1, 1, n, 2),          plan("ZeRO-3", 1, 1, n, 3),
      plan("tensor parallel", n, 1, 1, 0), plan("pipeline, 1F1B", 1, n, 1, 0),
  };
  if (n == 4) {
    plans.push_back(plan("tensor 2 x data 2", 2, 1, 2, 0));
    plans.push_back(plan("pipeline 2 x data 2, ZeRO-1", 1, 2, 2, 1));
    plans.push_back(plan("tensor 2 x data 2, ZeRO-3", 2, 1, 2, 3));
    plans.push_back(plan("tensor 2 x pipeline 2", 2, 2, 1, 0));
  }
  return plans;
}

TrainerShape usual_shape() { return {}; }

TrainerShape small_shape() {
  TrainerShape shape;
  shape.layers = 4;
  shape.hidden = 64;
  shape.heads = 4;
  shape.ffn = 256;
  shape.vocab = 128;
  shape.seq_len = 32;
  return shape;
}

std::string scenario_text(const TrainerShape& shape, const TrainerPlan& plan,
                          const std::string& calibration, int ranks_per_node) {
  return fmt::format(
      "name: {}\n"
      "model: {{layers: {}, hidden: {}, heads: {}, ffn: {}, vocab: {}, gated_mlp: false,\n"
      "  norm: rmsnorm, position: none, bias: false, tied_embeddings: false, causal: true}}\n"
      "cluster: {{gpus: {}, gpus_per_node: {}, calibration: {}}}\n"
      "training: {{seq_len: {}, global_batch: {}, micro_batch: {}, precision: fp32,\n"
      "  optimizer: adamw, grad_dtype: fp32, attention: math}}\n"
      "strategy: {{tp: {}, pp: {}, dp: {}, zero: {}, schedule: 1f1b,\n"
      "  overlap: {{grad_reduce: true, param_gather: {}, p2p: true}}}}\n"
      "implementation: stepcast-trainer\n",
      scenarios::yaml_text(plan.name), shape.layers, shape.hidden, shape.heads, shape.ffn,
      shape.vocab, plan.world(), std::min(plan.world(), ranks_per_node),
      scenarios::yaml_text(calibration), shape.seq_len, plan.global_batch, plan.micro_batch,
      plan.tp, plan.pp, plan.dp, plan.zero,
      plan.zero == 3);  // ZeRO-1 and 2 gather after the update, and wait
}

}  // namespace apps::mpi
