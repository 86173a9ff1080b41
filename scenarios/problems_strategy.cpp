// Settings of one strategy that another one, the model or the hardware has to allow.
#include <fmt/core.h>

#include <algorithm>

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

void gather_problems(const Plan& plan, Problems& out) {
  const std::int64_t inside = plan.gather_group;
  if (inside == 0) return;
  if (plan.zero != 3) {
    out.push_back({{"strategy.gather_group", "strategy.zero"},
                   fmt::format("gather_group = {} gathers sharded parameters, but zero = {}",
                               inside, plan.zero),
                   "strategy.zero: 3"});
  } else if (inside == 1 || inside == plan.shard_group || plan.shard_group % inside != 0) {
    out.push_back({{"strategy.gather_group", "strategy.shard_group"},
                   fmt::format("gather_group = {} leaves no two hops in shard_group = {}", inside,
                               plan.shard_group),
                   "a divisor between 1 and it, such as the devices of a node, or 0"});
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
  if (s.plan.offload.any() && s.cluster.pcie_bandwidth.bytes_per_second() <= 0.0) {
    out.push_back({{"strategy.offload", "cluster.pcie"},
                   "offloading needs links to the host, but cluster.pcie is not known",
                   "cluster.pcie: 25 GB/s (PCIe 4) or 50 GB/s (PCIe 5)"});
  }
  if (!s.plan.offload.nvme) return;
  if (!s.plan.offload.any()) {
    out.push_back({{"strategy.offload.nvme", "strategy.offload.optimizer"},
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
  if (s.plan.overlap.delay_wgrad && !s.plan.overlap.ep_passes &&
      !s.plan.schedule.starts_with("dualpipe")) {
    out.push_back({{"strategy.overlap.delay_wgrad", "strategy.overlap.ep_passes"},
                   "delay_wgrad gives exchanges of tokens work beside them that passes in pairs "
                   "leave, but overlap.ep_passes is false",
                   "strategy.overlap.ep_passes: true, or schedule: dualpipe"});
  }
  if (!moe && (s.plan.ep_dispatch != strategies::EpDispatch::alltoall || s.plan.overlap.ep)) {
    out.push_back({{s.plan.overlap.ep ? "strategy.overlap.ep" : "strategy.ep_dispatch"},
                   "the model has no experts that tokens could travel to",
                   "leave it out"});
  }
}

// A stated distribution of tokens over experts, and what it needs.
void distribution_problems(const strategies::Training& training, Problems& out) {
  using strategies::MoeDistribution;
  const MoeDistribution stated = training.moe_distribution;
  const std::string name(enum_name(stated));
  const bool takes_alpha = stated == MoeDistribution::zipf || stated == MoeDistribution::dirichlet;
  if (stated != MoeDistribution::normal &&
      training.moe_balance == strategies::MoeBalance::balanced) {
    out.push_back({{"training.moe_distribution", "training.moe_balance"},
                   fmt::format("balanced experts have no moe_distribution: {}", name),
                   "training.moe_balance: dropless, or drop with a capacity factor"});
  }
  if (stated != MoeDistribution::normal && training.moe_imbalance > 0.0) {
    out.push_back({{"training.moe_imbalance", "training.moe_distribution"},
                   fmt::format("moe_imbalance is the standard deviation of the normal "
                               "distribution, not of {}",
                               name),
                   "training.moe_distribution: normal, or leave moe_imbalance out"});
  }
  if (takes_alpha && training.moe_alpha <= 0.0) {
    out.push_back(
        {{"training.moe_alpha", "training.moe_distribution"},
         fmt::format("moe_distribution: {} needs moe_alpha above 0", name),
         stated == MoeDistribution::zipf ? "training.moe_alpha: 1" : "training.moe_alpha: 10"});
  } else if (!takes_alpha && training.moe_alpha > 0.0) {
    out.push_back({{"training.moe_alpha", "training.moe_distribution"},
                   fmt::format("moe_distribution: {} has no moe_alpha", name),
                   "training.moe_distribution: zipf or dirichlet"});
  }
}

void shares_problems(const Scenario& s, Problems& out) {
  using strategies::MoeDistribution;
  const MoeDistribution stated = s.training.moe_distribution;
  const std::string name(enum_name(stated));
  const std::vector<std::int64_t>& shares = s.training.moe_shares;
  const std::vector<std::string> both{"training.moe_shares", "training.moe_distribution"};
  if (stated == MoeDistribution::shares && shares.empty()) {
    out.push_back({both, "moe_distribution: shares needs moe_shares",
                   "training.moe_shares: [tokens of each expert]"});
  } else if (stated != MoeDistribution::shares && !shares.empty()) {
    out.push_back({both, fmt::format("moe_distribution: {} has no moe_shares", name),
                   "training.moe_distribution: shares"});
  }
  const models::Transformer* model = s.model.transformer();
  if (model == nullptr || !model->moe) {
    if (stated == MoeDistribution::normal) return;
    out.push_back({{"training.moe_distribution"},
                   fmt::format("the model has no experts for moe_distribution: {}", name),
                   "leave it out"});
    return;
  }
  if (shares.empty()) return;
  const auto used = std::count_if(shares.begin(), shares.end(), [](auto n) { return n > 0; });
  if (static_cast<std::int64_t>(shares.size()) != model->moe->experts) {
    out.push_back({{"training.moe_shares", "model.moe.experts"},
                   fmt::format("moe_shares names {} experts, but the model has {}", shares.size(),
                               model->moe->experts),
                   fmt::format("give {} numbers", model->moe->experts)});
  } else if (used < model->moe->top_k) {
    out.push_back({{"training.moe_shares", "model.moe.top_k"},
                   fmt::format("a token goes to {} experts, but moe_shares gives tokens to {}",
                               model->moe->top_k, used),
                   fmt::format("numbers above 0 for {} experts or more", model->moe->top_k)});
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
  gather_problems(scenario.plan, out);
  reduction_problems(scenario.plan, out);
  distribution_problems(scenario.training, out);
  shares_problems(scenario, out);
  offload_problems(scenario, out);
  dispatch_problems(scenario, out);
  training_problems(scenario, out);
  return out;
}

}  // namespace scenarios
