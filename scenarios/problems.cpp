// Cross-checks of a plan. Each message says what would be right.
#include "scenarios/problems.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "scenarios/enum_names.hpp"

namespace scenarios {
namespace {

using Problems = std::vector<Problem>;
using strategies::Plan;

constexpr std::int64_t kMostMicroBatches = 1'000'000;

// "1, 2, 4, 8": the divisors of n, as many as a line takes.
std::string divisors(std::int64_t n) {
  constexpr std::size_t most = 16;
  std::vector<std::int64_t> list;
  for (std::int64_t d = 1; d <= n && list.size() < most; ++d) {
    if (n % d == 0) list.push_back(d);
    if (d > 100'000) break;
  }
  return fmt::format("{}", fmt::join(list, ", "));
}

bool world_size_problem(const Scenario& s, Problems& out) {
  const Plan& plan = s.plan;
  const std::int64_t gpus = s.cluster.gpus;
  if (plan.world_size() == gpus) return false;
  const std::int64_t replica = plan.tp * plan.cp * plan.pp;
  const std::string product = fmt::format("tp·cp·pp·dp = {}·{}·{}·{} = {}", plan.tp, plan.cp,
                                          plan.pp, plan.dp, plan.world_size());
  std::string hint = fmt::format("cluster.gpus: {}", plan.world_size());
  if (gpus % replica == 0) {
    hint = fmt::format("strategy.dp: {} or {}", gpus / replica, hint);
  } else {
    const std::int64_t below = gpus / replica * replica;
    hint = fmt::format("cluster.gpus must be a multiple of tp·cp·pp = {}: {}{}", replica,
                       below > 0 ? fmt::format("{} or ", below) : "", below + replica);
  }
  out.push_back({{"strategy.dp", "strategy.pp", "strategy.tp", "strategy.cp", "cluster.gpus"},
                 fmt::format("{}, but cluster.gpus is {}", product, gpus),
                 hint,
                 true});
  return true;
}

void must_divide(Problems& out, std::vector<std::string> paths, const std::string& what,
                 std::int64_t divisor, const std::string& of, std::int64_t number) {
  if (number % divisor == 0) return;
  out.push_back({std::move(paths),
                 fmt::format("{} = {} does not divide {} = {}", what, divisor, of, number),
                 fmt::format("divisors of {}: {}", number, divisors(number)), true});
}

void tensor_problems(const Scenario& s, const models::Transformer& model, Problems& out) {
  const std::int64_t tp = s.plan.tp;
  must_divide(out, {"strategy.tp", "model.heads"}, "tp", tp, "model.heads", model.heads);
  must_divide(out, {"strategy.tp", "model.ffn"}, "tp", tp, "model.ffn", model.ffn);
  const bool grouped = model.kv_heads != model.heads;
  if (grouped && model.kv_heads % tp != 0 && tp % model.kv_heads != 0) {
    out.push_back({{"strategy.tp", "model.kv_heads"},
                   fmt::format("tp = {} neither divides nor is a multiple of model.kv_heads = {}",
                               tp, model.kv_heads),
                   fmt::format("divisors of {}: {}; or multiples of it", model.kv_heads,
                               divisors(model.kv_heads)),
                   true});
  }
}

void expert_problems(const Scenario& s, const models::Transformer* model, Problems& out) {
  const Plan& plan = s.plan;
  if (model == nullptr || !model->moe) {
    for (const auto& [name, degree] : {std::pair{"ep", plan.ep}, std::pair{"etp", plan.etp}}) {
      if (degree == 1) continue;
      out.push_back({{fmt::format("strategy.{}", name)},
                     fmt::format("{} = {}, but the model has no experts", name, degree),
                     fmt::format("strategy.{}: 1", name)});
    }
    return;
  }
  if (s.training.moe_balance == strategies::MoeBalance::drop &&
      model->moe->capacity_factor == 0.0) {
    out.push_back({{"training.moe_balance", "model.moe.capacity_factor"},
                   "moe_balance: drop needs a capacity to drop above",
                   "model.moe.capacity_factor: 1.25"});
  }
  must_divide(out, {"strategy.ep", "model.moe.experts"}, "ep", plan.ep, "model.moe.experts",
              model->moe->experts);
  must_divide(out, {"strategy.etp", "model.moe.ffn"}, "etp", plan.etp, "model.moe.ffn",
              model->moe->ffn);
  must_divide(out, {"strategy.ep", "strategy.etp"}, "ep·etp", plan.ep * plan.etp, "tp·cp·dp",
              plan.tp * plan.cp * plan.dp);
}

void sequence_problems(const Scenario& s, const models::Transformer& model, Problems& out) {
  const Plan& plan = s.plan;
  const std::int64_t seq = s.training.seq_len;
  const bool ulysses = plan.cp_type == strategies::CpType::ulysses;
  if (plan.cp > 1) {
    // Causal attention is balanced by giving each rank an early and a late piece.
    const std::int64_t pieces = ulysses ? plan.cp : 2 * plan.cp;
    must_divide(out, {"training.seq_len", "strategy.cp"}, ulysses ? "cp" : "2·cp", pieces,
                "training.seq_len", seq);
    if (ulysses && model.heads % (plan.tp * plan.cp) != 0) {
      must_divide(out, {"strategy.cp", "model.heads"}, "tp·cp", plan.tp * plan.cp, "model.heads",
                  model.heads);
    }
  }
  if (plan.sequence_parallel && seq % plan.cp == 0) {
    must_divide(out, {"training.seq_len", "strategy.tp"}, "tp", plan.tp, "training.seq_len / cp",
                seq / plan.cp);
  }
  if (model.position == models::Position::learned && model.max_positions > 0 &&
      seq > model.max_positions) {
    out.push_back({{"training.seq_len", "model.max_positions"},
                   fmt::format("seq_len = {} exceeds the {} learned positions of the model", seq,
                               model.max_positions),
                   fmt::format("at most {}", model.max_positions)});
  }
}

bool batch_problem(const Scenario& s, Problems& out) {
  const std::int64_t batch = s.training.global_batch;
  const std::int64_t unit = s.plan.dp * s.training.micro_batch;
  if (batch % unit == 0 && batch / unit <= kMostMicroBatches) return false;
  if (batch / unit > kMostMicroBatches) {
    out.push_back(
        {{"training.global_batch", "training.micro_batch"},
         fmt::format("{} micro-batches a step exceed {}", batch / unit, kMostMicroBatches),
         "raise training.micro_batch or dp"});
    return true;
  }
  const std::int64_t below = batch / unit * unit;
  out.push_back({{"training.global_batch", "training.micro_batch", "strategy.dp"},
                 fmt::format("global_batch = {} is no multiple of dp·micro_batch = {}·{} = {}",
                             batch, s.plan.dp, s.training.micro_batch, unit),
                 fmt::format("training.global_batch: {}{}",
                             below > 0 ? fmt::format("{} or ", below) : "", below + unit),
                 true});
  return true;
}

// An operator list has blocks, and nothing else that could be split.
void operator_list_problems(const Scenario& s, Problems& out) {
  for (const auto& [name, degree] : {std::pair{"tp", s.plan.tp}, std::pair{"cp", s.plan.cp}}) {
    if (degree == 1) continue;
    out.push_back(
        {{fmt::format("strategy.{}", name)},
         fmt::format("{} = {}, but an operator list is not split by {}", name, degree, name),
         fmt::format("strategy.{}: 1, and data or pipeline parallelism", name)});
  }
}

void layout_problems(const Scenario& s, Problems& out) {
  const Plan& plan = s.plan;
  const std::int64_t layers = layer_count(s.model);
  const std::int64_t chunks = plan.pp * plan.vpp;
  if (plan.layers_of_chunk.empty()) {
    // First and last chunk may hold the embedding or the head alone.
    if (layers + 2 >= chunks) return;
    out.push_back({{"strategy.pp", "strategy.vpp", "model.layers"},
                   fmt::format("{} layers cannot fill pp·vpp = {}·{} = {} chunks", layers, plan.pp,
                               plan.vpp, chunks),
                   fmt::format("pp·vpp of at most {}", layers)});
    return;
  }
  const auto& stages = plan.layers_of_chunk;
  const std::int64_t sum = std::accumulate(stages.begin(), stages.end(), std::int64_t{0});
  if (static_cast<std::int64_t>(stages.size()) != chunks) {
    out.push_back({{"strategy.pp_layout.stages", "strategy.pp"},
                   fmt::format("pp_layout names {} chunks, but pp·vpp = {}·{} = {}", stages.size(),
                               plan.pp, plan.vpp, chunks),
                   fmt::format("give {} numbers", chunks)});
  } else if (sum != layers) {
    out.push_back({{"strategy.pp_layout.stages", "model.layers"},
                   fmt::format("pp_layout places {} layers, but the model has {}", sum, layers),
                   fmt::format("the numbers must sum to {}", layers)});
  }
}

void sharding_problems(const Scenario& s, Problems& out) {
  must_divide(out, {"strategy.shard_group", "strategy.dp"}, "shard_group", s.plan.shard_group,
              "dp·cp", s.plan.dp * s.plan.cp);
  const strategies::Training& training = s.training;
  for (const auto& [name, wanted] : {std::pair{"weights", training.quantized_weights},
                                     std::pair{"gradients", training.quantized_gradients}}) {
    if (!wanted || s.plan.zero > 0) continue;
    out.push_back({{fmt::format("strategy.quantized_{}", name), "strategy.zero"},
                   fmt::format("quantized_{} needs sharding: ZeRO++ builds on ZeRO", name),
                   "strategy.zero: 1, 2 or 3"});
  }
  for (const auto& slow : s.faults.slow_ranks) {
    if (slow.rank < s.cluster.gpus) continue;
    out.push_back({{"faults.slow_ranks"},
                   fmt::format("there is no rank {}", slow.rank),
                   fmt::format("ranks are 0 to {}", s.cluster.gpus - 1)});
  }
}

}  // namespace

std::vector<Problem> plan_problems(const Scenario& scenario) {
  Problems out;
  const models::Transformer* model = scenario.model.transformer();
  const bool world_wrong = world_size_problem(scenario, out);
  if (model != nullptr) {
    tensor_problems(scenario, *model, out);
    sequence_problems(scenario, *model, out);
  } else {
    operator_list_problems(scenario, out);
  }
  std::int64_t micro = 0;  // 0 = unknown
  if (!world_wrong) {
    expert_problems(scenario, model, out);
    sharding_problems(scenario, out);
    if (!batch_problem(scenario, out)) micro = micro_batches(scenario);
  }
  for (const auto& part :
       {schedule_problems(scenario, micro), strategy_problems(scenario), idle_problems(scenario)}) {
    out.insert(out.end(), part.begin(), part.end());
  }
  layout_problems(scenario, out);
  const Problems order = order_problems(scenario);
  out.insert(out.end(), order.begin(), order.end());
  return out;
}

}  // namespace scenarios
