// A scenario as arguments of Megatron-LM: batch, precision, and how the job is spread.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "formats/megatron.hpp"
#include "scenarios/enum_names.hpp"

namespace formats {
namespace {

using scenarios::Scenario;
using strategies::Plan;
using strategies::Training;

void precision_lines(const Training& training, Lines& out) {
  using models::Precision;
  using strategies::Fp8Recipe;
  const bool low = training.precision == Precision::fp8 || training.precision == Precision::fp4;
  if (training.precision == Precision::bf16 || low) out.emplace_back("--bf16");
  if (training.precision == Precision::fp16) out.emplace_back("--fp16");
  if (training.precision == Precision::fp4) out.emplace_back("--fp4-format e2m1");
  if (training.precision == Precision::fp8) {
    // Scales of blocks leave e4m3 range enough for gradients; scales of tensors do not.
    const bool blocks =
        training.fp8_recipe == Fp8Recipe::blockwise || training.fp8_recipe == Fp8Recipe::mxfp8;
    out.push_back(fmt::format("--fp8-format {}", blocks ? "e4m3" : "hybrid"));
    // No rows: the nearest recipe finds its scales in the tensor, too.
    out.push_back(fmt::format("--fp8-recipe {}", training.fp8_recipe == Fp8Recipe::rowwise
                                                     ? "tensorwise"
                                                     : scenarios::enum_name(training.fp8_recipe)));
  }
  const bool reducible = training.precision != Precision::fp16;
  if (training.grad_dtype == Precision::bf16 && reducible)
    out.emplace_back("--grad-reduce-in-bf16");
  if (training.grad_dtype == Precision::fp32) {
    out.emplace_back("--accumulate-allreduce-grads-in-fp32");
  }
}

// How many bits the moments have is said by the precision-aware optimizer, which is distributed.
void optimizer_lines(const Scenario& scenario, Lines& out) {
  using strategies::Optimizer;
  const Optimizer optimizer = scenario.training.optimizer;
  const bool sgd = optimizer == Optimizer::sgd || optimizer == Optimizer::sgd_momentum;
  out.push_back(fmt::format("--optimizer {}", sgd ? "sgd" : "adam"));
  if (sgd) {
    out.push_back(fmt::format("--sgd-momentum {}", optimizer == Optimizer::sgd ? "0" : "0.9"));
  }
  const bool narrow = optimizer == Optimizer::adamw_bf16 || optimizer == Optimizer::adamw_8bit;
  const bool moved = scenario.plan.offload.optimizer > 0.0;
  if (scenario.plan.zero == 0 || (!narrow && !moved)) return;
  out.emplace_back("--use-precision-aware-optimizer");
  if (narrow) {
    const char* type = optimizer == Optimizer::adamw_bf16 ? "bf16" : "fp8";
    out.push_back(fmt::format("--exp-avg-dtype {}", type));
    out.push_back(fmt::format("--exp-avg-sq-dtype {}", type));
  }
  if (moved) {
    out.emplace_back("--optimizer-cpu-offload");
    out.push_back(fmt::format("--optimizer-offload-fraction {}", scenario.plan.offload.optimizer));
  }
}

void recompute_lines(const Training& training, Lines& out) {
  using strategies::Recompute;
  const strategies::RecomputePlan& recompute = training.recompute;
  if (recompute.mode == Recompute::none) return;
  if (recompute.mode != Recompute::selective) {
    out.emplace_back("--recompute-granularity full");
    const bool block = recompute.layers > 0;
    out.push_back(fmt::format("--recompute-method {}", block ? "block" : "uniform"));
    out.push_back(
        fmt::format("--recompute-num-layers {}",
                    block ? recompute.layers : std::max<std::int64_t>(1, recompute.every)));
    return;
  }
  std::vector<std::string_view> modules;
  for (const models::Module module : recompute.modules) {
    if (module != models::Module::act && module != models::Module::alternate_mm) {
      modules.push_back(scenarios::enum_name(module));
    }
  }
  if (modules.empty()) return;
  out.emplace_back("--recompute-granularity selective");
  out.push_back(fmt::format("--recompute-modules {}", fmt::join(modules, " ")));
}

// E and L stand in the first and last chunk, m where multi-token prediction lies; chunks that are
// alike in a row stand once.
std::string layout_text(const Plan& plan, std::int64_t mtp_layers) {
  const std::vector<std::int64_t>& layers = plan.layers_of_chunk;
  const auto run = [](char what, std::int64_t count) {
    if (count < 2) return std::string(static_cast<std::size_t>(count), what);
    return fmt::format("{}*{}", what, count);
  };
  std::vector<std::string> chunks;
  for (const std::int64_t count : layers) chunks.push_back(run('t', count));
  const std::size_t last = chunks.size() - 1;
  chunks[plan.mtp_piece < 0 ? last : static_cast<std::size_t>(plan.mtp_piece)] +=
      run('m', mtp_layers);
  chunks.front().insert(0, 1, 'E');
  chunks.back() += 'L';
  std::string out;
  for (std::size_t i = 0; i < last;) {
    std::size_t end = i + 1;
    while (end < last && chunks[end] == chunks[i]) ++end;
    out += end - i > 1 ? fmt::format("({}|)*{}", chunks[i], end - i) : chunks[i] + '|';
    i = end;
  }
  return out + chunks.back();
}

void pipeline_lines(const Scenario& scenario, Lines& out) {
  const Plan& plan = scenario.plan;
  if (plan.pp == 1) return;
  out.push_back(fmt::format("--pipeline-model-parallel-size {}", plan.pp));
  const std::vector<std::int64_t>& layers = plan.layers_of_chunk;
  const std::int64_t first = layers.empty() ? 0 : layers.front();
  const bool even = std::all_of(layers.begin(), layers.end(), [&](auto n) { return n == first; });
  std::vector<std::int64_t> with_ends = layers;
  if (!layers.empty()) ++with_ends.front(), ++with_ends.back();
  const bool even_with_ends =
      std::all_of(with_ends.begin(), with_ends.end(), [&](auto n) { return n == first + 1; });
  if (!even && !even_with_ends) {
    const std::int64_t mtp = scenario.model.transformer()->mtp_layers;
    out.push_back(fmt::format("--pipeline-model-parallel-layout '{}'", layout_text(plan, mtp)));
  } else if (plan.vpp > 1) {
    out.push_back(fmt::format("--num-virtual-stages-per-pipeline-rank {}", plan.vpp));
  }
  if (even_with_ends && !even) {
    out.emplace_back("--account-for-embedding-in-pipeline-split");
    out.emplace_back("--account-for-loss-in-pipeline-split");
  }
  if (plan.micro_batch_group > 0 && plan.vpp > 1) {
    out.push_back(fmt::format("--microbatch-group-size-per-virtual-pipeline-stage {}",
                              plan.micro_batch_group));
  }
  if (!plan.overlap.p2p) out.emplace_back("--no-overlap-p2p-communication");
}

void expert_lines(const Scenario& scenario, Lines& out) {
  using strategies::EpDispatch;
  const Plan& plan = scenario.plan;
  if (!scenario.model.transformer()->moe) return;
  out.push_back(fmt::format("--expert-model-parallel-size {}", plan.ep));
  out.push_back(fmt::format("--expert-tensor-parallel-size {}", plan.etp));
  const bool limited = plan.ep_dispatch == EpDispatch::node_limited;
  out.push_back(fmt::format("--moe-token-dispatcher-type {}",
                            limited ? "flex" : scenarios::enum_name(plan.ep_dispatch)));
  if (limited) {
    out.emplace_back("--moe-enable-deepep");
    out.emplace_back("--moe-router-dtype fp32");  // DeepEP takes no other probabilities
  }
  if (plan.overlap.ep) out.emplace_back("--moe-shared-expert-overlap");
  if (plan.overlap.ep_passes) out.emplace_back("--overlap-moe-expert-parallel-comm");
  // Passes in pairs are what it delays work for.
  if (plan.overlap.delay_wgrad && plan.overlap.ep_passes) out.emplace_back("--delay-wgrad-compute");
}

void context_lines(const Plan& plan, Lines& out) {
  using strategies::CpType;
  if (plan.cp == 1) return;
  out.push_back(fmt::format("--context-parallel-size {}", plan.cp));
  const char* kind = plan.cp_type == CpType::ring        ? "p2p"
                     : plan.cp_type == CpType::allgather ? "allgather"
                     : plan.cp_type == CpType::ulysses   ? "a2a"
                                                         : "a2a+p2p";
  out.push_back(fmt::format("--cp-comm-type {}", kind));
  if (plan.cp_type == CpType::hybrid) {
    out.push_back(fmt::format("--hierarchical-context-parallel-sizes {} {}", plan.cp_ulysses,
                              plan.cp / plan.cp_ulysses));
  }
}

void sharding_lines(const Plan& plan, Lines& out) {
  if (plan.zero > 0) out.emplace_back("--use-distributed-optimizer");
  if (plan.zero > 1) {
    out.emplace_back("--use-megatron-fsdp");
    out.push_back(fmt::format("--data-parallel-sharding-strategy {}",
                              plan.zero == 2 ? "optim_grads" : "optim_grads_params"));
    out.emplace_back("--ckpt-format fsdp_dtensor");
  }
  const std::int64_t copies = plan.dp * plan.cp / std::max<std::int64_t>(1, plan.shard_group);
  if (plan.zero > 0 && copies > 1) {
    out.push_back(fmt::format("--num-distributed-optimizer-instances {}", copies));
  }
  if (plan.overlap.grad_reduce) out.emplace_back("--overlap-grad-reduce");
  if (plan.overlap.grad_reduce && plan.overlap.param_gather && plan.zero > 0) {
    out.emplace_back("--overlap-param-gather");
  }
}

}  // namespace

void megatron_training_lines(const Scenario& scenario, Lines& out) {
  const Training& training = scenario.training;
  out.push_back(fmt::format("--seq-length {}", training.seq_len));
  out.push_back(fmt::format("--micro-batch-size {}", training.micro_batch));
  out.push_back(fmt::format("--global-batch-size {}", training.global_batch));
  precision_lines(training, out);
  optimizer_lines(scenario, out);
  recompute_lines(training, out);
  out.push_back(
      fmt::format("--attention-backend {}",
                  training.attention == models::AttentionKernel::math ? "unfused" : "flash"));
  if (training.cuda_graph && training.recompute.mode != strategies::Recompute::full) {
    const bool part = !training.cuda_graph_experts;
    out.push_back(fmt::format("--cuda-graph-impl {}", part ? "transformer_engine" : "local"));
    out.push_back(fmt::format("--cuda-graph-scope {}", part ? "attn" : "full"));
  }
}

void megatron_strategy_lines(const Scenario& scenario, Lines& out) {
  const Plan& plan = scenario.plan;
  if (plan.tp > 1) out.push_back(fmt::format("--tensor-model-parallel-size {}", plan.tp));
  if (plan.tp > 1 && plan.sequence_parallel) {
    out.emplace_back("--sequence-parallel");
    if (plan.overlap.tp) out.emplace_back("--tp-comm-overlap");
  }
  context_lines(plan, out);
  pipeline_lines(scenario, out);
  expert_lines(scenario, out);
  sharding_lines(plan, out);
  const auto layers = static_cast<double>(scenario.model.transformer()->layers);
  if (plan.offload.activations > 0.0 && plan.pp == 1) {
    out.push_back(fmt::format("--cpu-offloading-num-layers {}",
                              std::llround(plan.offload.activations * layers)));
  }
  if (plan.rank_order == "tp-cp-ep-pp-dp") out.emplace_back("--use-tp-pp-dp-mapping");
}

}  // namespace formats
