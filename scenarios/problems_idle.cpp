// Settings that could have no effect beside the model and the other settings. A degree of 1 is not
// among the reasons: it leaves what is said of its dimension without effect, so that degrees can
// be swept.
#include <fmt/core.h>

#include <algorithm>

#include "scenarios/enum_names.hpp"
#include "scenarios/problems.hpp"
#include "strategies/mesh.hpp"

namespace scenarios {
namespace {

using Problems = std::vector<Problem>;
using models::Module;
using strategies::Plan;

bool has_experts(const Scenario& s) {
  const models::Transformer* model = s.model.transformer();
  return model != nullptr && model->moe.has_value();
}

// What a module needs of the model, or nothing when the model has it.
const char* missing_for(Module module, const models::Transformer* model) {
  if (module == Module::none) return nullptr;
  if (model == nullptr) return "is a part of transformer layers";
  const bool experts = model->moe.has_value();
  switch (module) {
    case Module::moe:
    case Module::moe_act:
      return experts ? nullptr : "belongs to experts, which the model has not";
    case Module::mla_up_proj:
      return model->mla ? nullptr : "belongs to multi-head latent attention, which the model lacks";
    case Module::mlp: {
      const bool dense = !experts || model->moe->first_dense_layers > 0 || model->moe->every > 1 ||
                         model->moe->shared_ffn > 0;
      return dense ? nullptr : "belongs to dense feed-forward blocks, but all layers have experts";
    }
    default:
      return nullptr;
  }
}

void module_problems(const Scenario& s, Problems& out) {
  const strategies::RecomputePlan& plan = s.training.recompute;
  if (plan.mode != strategies::Recompute::selective) return;
  for (const Module module : plan.modules) {
    const char* missing = missing_for(module, s.model.transformer());
    if (missing == nullptr) continue;
    out.push_back(
        {{"training.recompute.modules"},
         fmt::format("module {} {}", enum_name(module), missing),
         has_experts(s) ? "moe_act, layernorm or core_attn" : "core_attn, layernorm or act"});
  }
}

void schedule_key_problems(const Plan& plan, Problems& out) {
  if (plan.micro_batch_group == 0 || plan.schedule == "interleaved") return;
  out.push_back({{"strategy.micro_batch_group", "strategy.schedule"},
                 fmt::format("micro_batch_group = {} is of the interleaved schedule, not of {}",
                             plan.micro_batch_group, plan.schedule),
                 "leave it out, or strategy.vpp: 2 with schedule: interleaved"});
}

void expert_key_problems(const Scenario& s, Problems& out) {
  const strategies::Overlap& overlap = s.plan.overlap;
  if (has_experts(s)) {
    if (overlap.ep && s.model.transformer()->moe->shared_ffn == 0) {
      out.push_back({{"strategy.overlap.ep", "model.moe.shared_ffn"},
                     "the combine hides behind a shared expert, which the model has not",
                     "strategy.overlap.ep: false, or overlap.ep_passes: true"});
    }
    return;
  }
  const auto refuse = [&](bool wanted, const char* path, const char* what) {
    if (wanted) out.push_back({{path}, what, "leave it out"});
  };
  refuse(overlap.ep_passes, "strategy.overlap.ep_passes",
         "the model has no experts that exchange tokens");
  refuse(overlap.delay_wgrad, "strategy.overlap.delay_wgrad",
         "the model has no experts whose weight gradients could wait");
  refuse(s.training.moe_balance != strategies::MoeBalance::balanced, "training.moe_balance",
         "the model has no experts that tokens could spread over");
  refuse(!s.training.cuda_graph_experts, "training.cuda_graph_experts",
         "the model has no experts that a graph could leave out");
}

void graph_problems(const strategies::Training& training, Problems& out) {
  if (training.cuda_graph) return;
  for (const auto& [name, held] : {std::pair{"experts", training.cuda_graph_experts},
                                   std::pair{"attention", training.cuda_graph_attention}}) {
    if (held) continue;
    out.push_back({{fmt::format("training.cuda_graph_{}", name), "training.cuda_graph"},
                   fmt::format("cuda_graph_{}: false leaves {} out of a graph, but there is none",
                               name, name),
                   "training.cuda_graph: true"});
  }
}

void balance_problems(const Scenario& s, Problems& out) {
  if (s.training.moe_imbalance > 0.0 &&
      s.training.moe_balance == strategies::MoeBalance::balanced) {
    out.push_back({{"training.moe_imbalance", "training.moe_balance"},
                   "balanced experts have no moe_imbalance",
                   "training.moe_balance: dropless, or drop with a capacity factor"});
  }
  const models::Transformer* model = s.model.transformer();
  if (model == nullptr || s.plan.cp_balance != strategies::CpBalance::contiguous) return;
  const Plan& plan = s.plan;
  const bool whole = plan.cp_type == strategies::CpType::ulysses ||
                     (plan.cp_type == strategies::CpType::hybrid && plan.cp_ulysses == plan.cp);
  if (whole && plan.cp > 1 && model->causal) {
    out.push_back({{"strategy.cp_balance", "strategy.cp_type"},
                   "ranks that exchange heads see the whole sequence, each as much work",
                   "strategy.cp_balance: head_tail"});
  }
  if (model->causal) return;
  out.push_back({{"strategy.cp_balance", "model.causal"},
                 "attention that is not causal is as much work for every rank",
                 "strategy.cp_balance: head_tail"});
}

// Ranks of the first shard group that lie in the first NVLink domain.
std::int64_t ranks_on_node(const Scenario& s) {
  const std::vector<std::int64_t> group =
      strategies::group_members(s.plan, strategies::dense_mesh(s.plan),
                                strategies::expert_mesh(s.plan), strategies::GroupKind::shard, 0);
  const std::int64_t domain =
      s.cluster.nvlink_domain > 0 ? s.cluster.nvlink_domain : s.cluster.gpus_per_node;
  return std::count_if(group.begin(), group.end(), [&](auto rank) { return rank < domain; });
}

void sharding_key_problems(const Scenario& s, Problems& out) {
  const Plan& plan = s.plan;
  if (plan.zero == 0 && plan.shard_group != plan.dp * plan.cp) {
    out.push_back({{"strategy.shard_group", "strategy.zero"},
                   fmt::format("shard_group = {} shares nothing out: zero is 0", plan.shard_group),
                   "strategy.zero: 1, 2 or 3"});
  }
  if (s.training.quantized_weights && (plan.zero == 1 || plan.zero == 2)) {
    out.push_back({{"strategy.quantized_weights", "strategy.zero"},
                   "quantized_weights travel where layers gather them: with zero: 3",
                   "strategy.zero: 3, or quantized_gradients alone"});
  }
  if (plan.gather_group == 0 || plan.zero != 3) return;
  if (plan.secondary_shard > 0) {
    out.push_back(
        {{"strategy.gather_group", "strategy.secondary_shard"},
         "a secondary copy is gathered in one hop; gather_group would be for forward alone",
         "keep one of the two"});
    return;
  }
  const bool apart = plan.shard_group % plan.gather_group != 0 ||
                     plan.gather_group == plan.shard_group || plan.gather_group == 1;
  if (apart) return;  // said elsewhere
  const std::int64_t inside = ranks_on_node(s);
  if (inside == plan.gather_group) return;
  const bool spans = inside > 1 && inside < plan.shard_group && plan.shard_group % inside == 0;
  out.push_back(
      {{"strategy.gather_group", "strategy.shard_group"},
       fmt::format("gather_group = {}, but {} ranks of a shard group lie on a node",
                   plan.gather_group, inside),
       spans ? fmt::format("strategy.gather_group: {}", inside) : "strategy.gather_group: 0"});
}

}  // namespace

std::vector<Problem> idle_problems(const Scenario& scenario) {
  Problems out;
  const strategies::Plan& plan = scenario.plan;
  module_problems(scenario, out);
  schedule_key_problems(plan, out);
  expert_key_problems(scenario, out);
  graph_problems(scenario.training, out);
  balance_problems(scenario, out);
  const bool exists = plan.world_size() == scenario.cluster.gpus && plan.shard_group > 0 &&
                      (plan.dp * plan.cp) % plan.shard_group == 0;
  if (exists && order_problems(scenario).empty()) sharding_key_problems(scenario, out);
  return out;
}

}  // namespace scenarios
