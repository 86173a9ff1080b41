// The training and strategy part of the Resolver.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "scenarios/pipeline_layout.hpp"
#include "scenarios/resolve.hpp"
#include "strategies/schedule.hpp"

namespace scenarios {
namespace {

constexpr std::int64_t kMostRanks = std::int64_t{1} << 20;
constexpr std::int64_t kUsualSequence = 4096;

// A part up to 1 as it is; above 1 a number of layers.
double as_part(double amount, std::int64_t layers) {
  if (amount <= 1.0) return amount;
  return std::min(1.0, amount / static_cast<double>(std::max<std::int64_t>(layers, 1)));
}

std::string dimensions(const strategies::Plan& plan) {
  return fmt::format("tp·cp·pp = {}·{}·{} = {}", plan.tp, plan.cp, plan.pp,
                     plan.tp * plan.cp * plan.pp);
}

}  // namespace

void settle_offload(strategies::Plan& plan, std::int64_t layers) {
  for (double* amount :
       {&plan.offload.optimizer, &plan.offload.parameters, &plan.offload.activations}) {
    *amount = as_part(*amount, layers);
  }
}

void Resolver::training() {
  auto& training = draft_.training;
  models::Transformer& shape = draft_.model.transformer;
  const bool learned = shape.position == models::Position::learned && shape.max_positions > 0;
  if (out_.model.transformer() != nullptr) {
    settle("training.seq_len", training.seq_len, learned ? shape.max_positions : kUsualSequence,
           learned ? "model.max_positions" : "default");
    if (shape.position == models::Position::learned && shape.max_positions == 0) {
      settle("model.max_positions", shape.max_positions, training.seq_len, "training.seq_len");
      out_.model.architecture = shape;
    }
  } else {
    settle("training.seq_len", training.seq_len, std::int64_t{1}, "no sequence");
  }
  const auto& peak = draft_.device.device.peak;
  if (peak[static_cast<std::size_t>(models::Precision::bf16)].per_second() <= 0.0 &&
      peak[static_cast<std::size_t>(models::Precision::fp16)].per_second() > 0.0) {
    settle("training.precision", training.precision, models::Precision::fp16,
           "the device has no bf16");
  }
  const bool full_precision = training.precision == models::Precision::fp32 ||
                              training.precision == models::Precision::tf32;
  settle("training.master_weights", training.master_weights, !full_precision, "training.precision");
  if (given("training.moe_shares")) {
    settle("training.moe_distribution", training.moe_distribution,
           strategies::MoeDistribution::shares, "training.moe_shares");
  }
  const bool finer = given("training.recompute.layers") || given("training.recompute.every");
  auto& recompute = training.recompute;
  using strategies::Recompute;
  if (!given("training.recompute.mode") && !given("training.recompute")) {
    if (finer) recompute.mode = Recompute::full;
    if (given("training.recompute.modules")) recompute.mode = Recompute::selective;
  }
  finer_recompute();
  if (recompute.mode == Recompute::selective && recompute.modules.empty()) {
    recompute.modules = draft_.implementation.selective_recompute;
  }
}

// Keys of one mode of recomputation beside another mode.
void Resolver::finer_recompute() {
  using strategies::Recompute;
  const auto refuse = [&](const char* key, const char* message, const char* hint) {
    const std::string path = std::string("training.recompute.") + key;
    if (given(path)) diagnostics_.error(locate(path), path, message, hint);
  };
  const Recompute mode = draft_.training.recompute.mode;
  if (mode != Recompute::selective) {
    refuse("modules",
           "modules are recomputed by mode: selective; this mode takes whole layers, or none",
           "training.recompute.mode: selective, or leave modules out");
  }
  if (mode == Recompute::full) return;
  for (const char* key : {"layers", "every"}) {
    refuse(key, "counts whole layers, which mode: full recomputes",
           "training.recompute.mode: full, or leave it out");
  }
}

void Resolver::plan() {
  strategies::Plan& plan = draft_.strategy.plan;
  auto& spec = draft_.cluster.spec;
  settle_offload(plan, layer_count(out_.model));
  written_layout();
  written_schedule();
  if (!out_.schedule) {
    settle("strategy.schedule", plan.schedule, std::string(plan.vpp > 1 ? "interleaved" : "1f1b"),
           "default");
  }
  const double ranks = static_cast<double>(plan.tp) * static_cast<double>(plan.cp) *
                       static_cast<double>(plan.pp) * static_cast<double>(plan.dp);
  if (ranks > static_cast<double>(kMostRanks)) {
    diagnostics_.error(locate("strategy"), "strategy",
                       fmt::format("tp·cp·pp·dp = {}·{}·{}·{} exceeds {} ranks", plan.tp, plan.cp,
                                   plan.pp, plan.dp, kMostRanks));
    return;
  }
  if (given("strategy.dp") && !given_by_user("cluster.gpus")) {
    spec.gpus = plan.world_size();
    draft_.given.erase("cluster.gpus");
    draft_.origins["cluster.gpus"] = "tp·cp·pp·dp";
    settle("cluster.nvlink_domain", spec.nvlink_domain, spec.gpus_per_node, "gpus_per_node");
    spec.name = draft_.cluster.preset.empty() ? "inline" : draft_.cluster.preset;
  } else {
    cluster_size();
  }
  const std::int64_t replica = plan.tp * plan.cp * plan.pp;
  settle("strategy.dp", plan.dp, std::max<std::int64_t>(spec.gpus / replica, 1),
         "gpus / (tp·cp·pp)");
  settle("strategy.shard_group", plan.shard_group, plan.dp * plan.cp, "dp·cp");
  code_base_warnings();
}

// What the code base does not do, however it is asked: said aloud, not refused.
void Resolver::code_base_warnings() {
  const strategies::Plan& plan = draft_.strategy.plan;
  const std::string& code = draft_.strategy.implementation;
  if (plan.zero == 3 && plan.pp > 1 && (code.starts_with("megatron") || code == "deepspeed")) {
    warn(fmt::format("{} does not run zero: 3 with a pipeline (zero: 1 it does); parameters are "
                     "gathered for every micro-batch of every stage",
                     code),
         "strategy.zero");
  }
  if (plan.overlap.ep_passes && plan.pp > 1 && plan.vpp == 1 && plan.schedule == "1f1b") {
    warn(
        "passes side by side with one chunk a stage leave half of the pipeline idle: a micro-batch "
        "takes a pair's time at every stage, both ways; Megatron-Core wants vpp above 1",
        "strategy.overlap.ep_passes");
  }
  if (plan.zero == 1 && plan.overlap.grad_reduce && given_by_user("strategy.overlap.grad_reduce") &&
      draft_.implementation.zero_reduces_after_backward) {
    warn(fmt::format("{} reduces all gradients at once behind backward with zero: 1; "
                     "overlap.grad_reduce: true changes nothing",
                     code),
         "strategy.overlap.grad_reduce");
  }
}

// pp_layout.layout says what pp_layout.stages does, and where multi-token prediction goes.
void Resolver::written_layout() {
  if (!given("strategy.pp_layout.layout")) return;
  strategies::Plan& plan = draft_.strategy.plan;
  const auto refuse = [&](const std::string& problem, const std::string& hint) {
    diagnostics_.error(locate("strategy.pp_layout.layout"), "strategy.pp_layout.layout", problem,
                       hint);
  };
  const PipelineLayout layout = parse_pipeline_layout(draft_.strategy.layout);
  if (!layout.problem.empty()) return refuse(layout.problem, "write, for example, Ett|(tt|)*6tL");
  if (given("strategy.pp_layout.stages")) {
    return refuse("pp_layout.layout and pp_layout.stages exclude each other",
                  "keep one of the two");
  }
  const models::Transformer* model = out_.model.transformer();
  const std::int64_t wanted = model == nullptr ? 0 : model->mtp_layers;
  if (layout.mtp_layers != wanted) {
    return refuse(fmt::format("the layout has {} multi-token-prediction layers (m), the model {}",
                              layout.mtp_layers, wanted),
                  "as many m as model.mtp_layers");
  }
  draft_.strategy.stages = layout.layers;
  draft_.origins["strategy.pp_layout.stages"] = "strategy.pp_layout.layout";
  const auto chunks = static_cast<std::int64_t>(layout.layers.size());
  if (layout.mtp_piece < chunks - 1) plan.mtp_piece = layout.mtp_piece;
  if (chunks % plan.pp == 0) {
    settle("strategy.vpp", plan.vpp, chunks / plan.pp, "strategy.pp_layout.layout");
  }
}

// A schedule written by hand says how many stages, chunks and micro-batches there are.
void Resolver::written_schedule() {
  out_.schedule = draft_.strategy.schedule;
  if (!out_.schedule) return;
  strategies::Plan& plan = draft_.strategy.plan;
  const std::string origin = "strategy.schedule_file";
  settle("strategy.pp", plan.pp, out_.schedule->shape.stages, origin);
  settle("strategy.vpp", plan.vpp, out_.schedule->shape.chunks, origin);
  settle("strategy.schedule", plan.schedule, std::string("file"), origin);
}

void Resolver::batch() {
  const strategies::Plan& plan = draft_.strategy.plan;
  auto& training = draft_.training;
  if (given("training.global_batch")) return;
  if (out_.schedule) {
    settle("training.global_batch", training.global_batch,
           plan.dp * training.micro_batch * out_.schedule->shape.micro_batches,
           "strategy.schedule_file");
    return;
  }
  settle("training.global_batch", training.global_batch, plan.dp * training.micro_batch * plan.pp,
         "dp·micro_batch·pp");
  warn(fmt::format("training.global_batch is not given; {} sequences are assumed ({})",
                   training.global_batch, dimensions(plan)),
       "training");
}

// recompute: sqrt keeps a checkpoint every square root of a chunk's layers.
void Resolver::checkpoints() {
  strategies::RecomputePlan& recompute = draft_.training.recompute;
  if (recompute.mode != strategies::Recompute::sqrt) return;
  const strategies::Plan& plan = draft_.strategy.plan;
  const std::int64_t chunks = plan.pp * plan.vpp;
  const std::int64_t largest = (layer_count(out_.model) + chunks - 1) / chunks;
  recompute.mode = strategies::Recompute::full;
  settle("training.recompute.every", recompute.every,
         std::max<std::int64_t>(1, std::llround(std::sqrt(static_cast<double>(largest)))),
         "square root of a chunk's layers");
  out_.training.recompute = recompute;
}

void Resolver::layout() {
  checkpoints();
  strategies::Plan& plan = draft_.strategy.plan;
  std::vector<std::int64_t>& stages = draft_.strategy.stages;
  const std::int64_t layers = layer_count(out_.model);
  const std::int64_t chunks = plan.pp * plan.vpp;
  if (chunks > layers + 2) return;  // only without checks: there is no layout
  if (!given("strategy.pp_layout.stages") && !given("strategy.pp_layout.layout")) {
    stages =
        spread_layers(layers, chunks, plan.embedding_as_layer ? Ends::count_as_layers : Ends::free);
    const std::int64_t shared = layers + (plan.embedding_as_layer ? 2 : 0);
    const models::Transformer* transformer = out_.model.transformer();
    if (draft_.implementation.stages_by_parameters && transformer != nullptr && plan.vpp == 1) {
      stages = spread_by_parameters(*transformer, plan.pp);
      draft_.origins["strategy.pp_layout.stages"] = "implementation.stages_by_parameters";
      plan.layers_of_chunk = stages;
      return;
    }
    draft_.origins["strategy.pp_layout.stages"] =
        plan.embedding_as_layer ? "even, with embedding and head as layers" : "even";
    if (shared % chunks != 0) {
      warn(fmt::format("{} layers do not divide over {} pipeline chunks; they are spread as [{}]",
                       shared, chunks, fmt::join(stages, ", ")),
           "strategy.pp");
    }
  }
  plan.layers_of_chunk = stages;
}

}  // namespace scenarios
