// Settings of one strategy that another one, the model or the hardware has to allow.
#include <fmt/core.h>

#include "scenarios/enum_names.hpp"
#include "scenarios/problems.hpp"

namespace scenarios {
namespace {

using Problems = std::vector<Problem>;
using models::Precision;
using strategies::CpType;
using strategies::Plan;

void context_problems(const Scenario& s, const models::Transformer& model, Problems& out) {
  const Plan& plan = s.plan;
  if (plan.cp_ulysses > 1 && plan.cp_type != CpType::hybrid) {
    out.push_back({{"strategy.cp_ulysses", "strategy.cp_type"},
                   fmt::format("cp_ulysses = {} needs rings beside it, but cp_type is {}",
                               plan.cp_ulysses, enum_name(plan.cp_type)),
                   "strategy.cp_type: hybrid"});
  } else if (plan.cp % plan.cp_ulysses != 0) {
    out.push_back({{"strategy.cp_ulysses", "strategy.cp"},
                   fmt::format("cp_ulysses = {} does not divide cp = {}", plan.cp_ulysses, plan.cp),
                   "a divisor of cp"});
  } else if (plan.cp_ulysses > 1 && model.heads % (plan.tp * plan.cp_ulysses) != 0) {
    out.push_back({{"strategy.cp_ulysses", "model.heads"},
                   fmt::format("tp·cp_ulysses = {} does not divide model.heads = {}",
                               plan.tp * plan.cp_ulysses, model.heads),
                   "fewer ranks that exchange heads"});
  }
  if (plan.cp_balance == strategies::CpBalance::contiguous && model.window > 0) {
    out.push_back({{"strategy.cp_balance", "model.window"},
                   "a sliding window is as much work for every rank",
                   "strategy.cp_balance: head_tail"});
  }
}

void secondary_problems(const Plan& plan, Problems& out) {
  const std::int64_t second = plan.secondary_shard;
  if (second == 0) return;
  const auto refuse = [&](const char* other, std::string message, std::string hint) {
    out.push_back({{"strategy.secondary_shard", other}, std::move(message), std::move(hint)});
  };
  if (plan.zero != 3) {
    refuse("strategy.zero", "a secondary copy (hpZ) is of parameters that are sharded",
           "strategy.zero: 3");
  } else if (!plan.reshard_after_forward) {
    refuse("strategy.reshard_after_forward",
           "parameters that stay gathered after forward need no secondary copy",
           "strategy.secondary_shard: 0, or reshard_after_forward: true");
  } else if (plan.shard_group % second != 0 || second == plan.shard_group) {
    refuse("strategy.shard_group",
           fmt::format("secondary_shard = {} is no smaller part of shard_group = {}", second,
                       plan.shard_group),
           "a divisor below it, such as the devices of a node");
  }
}

void reduction_problems(const Plan& plan, Problems& out) {
  if (plan.grad_reduce != strategies::GradReduce::two_hop) return;
  if (plan.zero < 2) {
    out.push_back({{"strategy.grad_reduce", "strategy.zero"},
                   "grad_reduce: two_hop keeps scattered gradients, which zero below 2 has not",
                   "strategy.zero: 2 or 3"});
  } else if (plan.shard_group == plan.dp * plan.cp) {
    out.push_back({{"strategy.grad_reduce", "strategy.shard_group"},
                   "grad_reduce: two_hop needs several shard groups, but there is one",
                   "strategy.shard_group: the devices of a node"});
  }
}

void offload_problems(const Scenario& s, Problems& out) {
  if (!s.plan.offload.nvme) return;
  if (!s.plan.offload.any()) {
    out.push_back({{"strategy.offload.nvme"},
                   "nothing is offloaded that could lie on NVMe drives",
                   "strategy.offload.optimizer: 1"});
  } else if (s.cluster.nvme_bandwidth.bytes_per_second() <= 0.0) {
    out.push_back({{"strategy.offload.nvme", "cluster.nvme"},
                   "offloading to NVMe needs drives, but cluster.nvme is not known",
                   "cluster.nvme: 25 GB/s (sixteen drives, ZeRO-Infinity's DGX-2)"});
  }
}

bool low(Precision precision) { return precision == Precision::fp8 || precision == Precision::fp4; }

void dispatch_problems(const Scenario& s, Problems& out) {
  const Precision tokens = s.plan.ep_dispatch_dtype;
  if (tokens != Precision::bf16 && tokens != Precision::fp8) {
    out.push_back({{"strategy.ep_dispatch_dtype"},
                   fmt::format("tokens do not travel in {}", enum_name(tokens)),
                   "bf16 (16 bits) or fp8"});
  } else if (tokens == Precision::fp8 && !low(s.training.precision)) {
    out.push_back({{"strategy.ep_dispatch_dtype", "training.precision"},
                   fmt::format("tokens in fp8 are for products in fp8, not {}",
                               enum_name(s.training.precision)),
                   "strategy.ep_dispatch_dtype: bf16, or training.precision: fp8"});
  }
  const bool moe = s.model.transformer() != nullptr && s.model.transformer()->moe;
  if (!moe && (s.plan.ep_dispatch != strategies::EpDispatch::alltoall || s.plan.overlap.ep)) {
    out.push_back({{s.plan.overlap.ep ? "strategy.overlap.ep" : "strategy.ep_dispatch"},
                   "the model has no experts that tokens could travel to",
                   "leave it out"});
  }
}

void training_problems(const Scenario& s, Problems& out) {
  const strategies::Training& training = s.training;
  const bool blocks = training.fp8_recipe == strategies::Fp8Recipe::mxfp8;
  const bool has_blocks = s.device.architecture == models::Architecture::blackwell ||
                          s.device.architecture == models::Architecture::cdna;
  if (training.precision == Precision::fp8 && blocks && !has_blocks) {
    out.push_back({{"training.fp8_recipe", "cluster.device.base"},
                   fmt::format("{} has no products of MXFP8 blocks", s.device.name),
                   "training.fp8_recipe: blockwise, or tensorwise"});
  }
  const std::int64_t tokens = training.micro_batch * training.seq_len / s.plan.cp;
  if (training.loss_chunks > tokens) {
    out.push_back({{"training.loss_chunks", "training.seq_len"},
                   fmt::format("loss_chunks = {} are more than the {} tokens of a rank",
                               training.loss_chunks, tokens),
                   fmt::format("at most {}", tokens)});
  }
}

}  // namespace

std::vector<Problem> strategy_problems(const Scenario& scenario) {
  Problems out;
  if (const models::Transformer* model = scenario.model.transformer()) {
    context_problems(scenario, *model, out);
  }
  secondary_problems(scenario.plan, out);
  reduction_problems(scenario.plan, out);
  offload_problems(scenario, out);
  dispatch_problems(scenario, out);
  training_problems(scenario, out);
  return out;
}

}  // namespace scenarios
