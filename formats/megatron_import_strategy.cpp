// Megatron-LM's arguments as a scenario: how the job is spread.
#include <fmt/format.h>

#include <algorithm>

#include "formats/megatron.hpp"

namespace formats {
namespace {

struct Sizes {
  std::int64_t tp = 1, cp = 1, pp = 1, dp = 1;
  std::int64_t model() const { return tp * cp * pp; }
};

void set_above_one(ImportDraft& draft, MegatronArguments& args, const char* key,
                   const std::string& name, std::int64_t value) {
  if (value > 1) draft.set(std::string("strategy.") + key, value, args.at(name));
}

Sizes sizes(ImportDraft& draft, MegatronArguments& args) {
  Sizes out;
  out.tp = args.count_or("--tensor-model-parallel-size", 1);
  out.cp = args.count_or("--context-parallel-size", 1);
  out.pp = args.count_or("--pipeline-model-parallel-size", 1);
  set_above_one(draft, args, "tp", "--tensor-model-parallel-size", out.tp);
  set_above_one(draft, args, "cp", "--context-parallel-size", out.cp);
  set_above_one(draft, args, "pp", "--pipeline-model-parallel-size", out.pp);
  const std::int64_t ranks =
      draft.ranks({out.tp, out.cp, out.pp}, args.at("--tensor-model-parallel-size"));
  if (ranks < std::max({out.tp, out.cp, out.pp})) {  // too many
    return {};
  }
  Place at;
  const std::int64_t launched = args.launched(at);
  draft.settle_gpus(launched, at, out.model());
  if (draft.gpus() % out.model() == 0) {
    out.dp = draft.gpus() / out.model();
  } else {
    const char* largest = out.pp > 1   ? "--pipeline-model-parallel-size"
                          : out.cp > 1 ? "--context-parallel-size"
                                       : "--tensor-model-parallel-size";
    draft.fault(draft.request().gpus > 0 ? args.at(largest) : at,
                fmt::format("{} GPUs do not divide by tp·cp·pp = {}·{}·{} = {}", draft.gpus(),
                            out.tp, out.cp, out.pp, out.model()),
                fmt::format("{} GPUs, or a multiple of it", out.model()));
  }
  return out;
}

void batch(ImportDraft& draft, MegatronArguments& args, const Sizes& is) {
  const std::int64_t micro = args.count_or("--micro-batch-size", 1);
  const std::int64_t global = args.count_or("--global-batch-size", micro * is.dp);
  const Place at = args.at("--global-batch-size");
  draft.set("training.global_batch", global, at);
  if (global % (micro * is.dp) != 0) {
    draft.fault(
        at,
        fmt::format("--global-batch-size {} does not divide by --micro-batch-size {} and {} "
                    "data-parallel replicas",
                    global, micro, is.dp),
        fmt::format("a multiple of {}", micro * is.dp));
  }
}

void context(ImportDraft& draft, MegatronArguments& args, const Sizes& is) {
  const std::vector<std::string> kinds = args.texts("--cp-comm-type");
  const std::vector<std::string> levels = args.texts("--hierarchical-context-parallel-sizes");
  if (kinds.empty() || is.cp == 1) return;
  const Place at = args.at("--cp-comm-type");
  const std::string kind =
      args.choice("--cp-comm-type", "p2p", {"p2p", "a2a", "allgather", "a2a+p2p"});
  if (std::any_of(kinds.begin(), kinds.end(),
                  [&](const auto& other) { return other != kinds[0]; })) {
    draft.note(at,
               fmt::format("other kinds for other layers have no counterpart: {} for all", kind));
  }
  if (kind == "a2a") draft.set("strategy.cp_type", std::string("ulysses"), at);
  if (kind == "allgather") draft.set("strategy.cp_type", std::string("allgather"), at);
  if (kind != "a2a+p2p") return;
  draft.set("strategy.cp_type", std::string("hybrid"), at);
  if (levels.empty()) {
    return draft.fault(at, "--cp-comm-type a2a+p2p needs --hierarchical-context-parallel-sizes",
                       fmt::format("two sizes whose product is {}", is.cp));
  }
  draft.set("strategy.cp_ulysses", args.count_or("--hierarchical-context-parallel-sizes", 1),
            args.at("--hierarchical-context-parallel-sizes"));
}

void experts(ImportDraft& draft, MegatronArguments& args, const Sizes& is) {
  const std::int64_t ep = args.count_or("--expert-model-parallel-size", 1);
  const Place ep_at = args.at("--expert-model-parallel-size");
  const std::string kind =
      args.choice("--moe-token-dispatcher-type", "allgather", {"allgather", "alltoall", "flex"});
  const bool deep = args.has("--moe-enable-deepep");
  const bool shared = args.has("--moe-shared-expert-overlap");
  // Experts are split as everything else is unless it is said.
  const std::int64_t etp = args.count_or("--expert-tensor-parallel-size", is.tp);
  if (draft.find("model.moe.experts") == nullptr) {
    if (ep > 1) {
      draft.fault(ep_at, "--expert-model-parallel-size needs --num-experts",
                  "--num-experts, or no expert parallelism");
    }
    return;
  }
  set_above_one(draft, args, "ep", "--expert-model-parallel-size", ep);
  set_above_one(draft, args, "etp", "--expert-tensor-parallel-size", etp);
  const Place at = args.at("--moe-token-dispatcher-type");
  if (kind == "allgather") draft.set("strategy.ep_dispatch", std::string("allgather"), at);
  if (kind == "flex" && deep) draft.set("strategy.ep_dispatch", std::string("node_limited"), at);
  if (kind == "flex" && !deep) {
    draft.note(at, "flex without --moe-enable-deepep has no counterpart: alltoall is assumed");
  }
  if (shared) draft.set("strategy.overlap.ep", true, args.at("--moe-shared-expert-overlap"));
  if (args.has("--overlap-moe-expert-parallel-comm")) {
    draft.set("strategy.overlap.ep_passes", true, args.at("--overlap-moe-expert-parallel-comm"));
  }
  if (args.has("--delay-wgrad-compute")) {
    draft.set("strategy.overlap.delay_wgrad", true, args.at("--delay-wgrad-compute"));
  }
}

std::int64_t zero_stage(ImportDraft& draft, MegatronArguments& args) {
  const bool distributed = args.has("--use-distributed-optimizer");
  if (args.has("--use-torch-fsdp2")) {
    if (distributed) {
      draft.fault(args.at("--use-torch-fsdp2"),
                  "--use-torch-fsdp2 and --use-distributed-optimizer exclude each other",
                  "one of them");
    }
    const std::string keeps = "--torch-fsdp2-no-reshard-after-forward";
    if (args.has(keeps)) draft.set("strategy.reshard_after_forward", false, args.at(keeps));
    return 3;
  }
  if (args.has("--use-megatron-fsdp") || args.has("--use-custom-fsdp")) {
    const std::string kind =
        args.choice("--data-parallel-sharding-strategy", "no_shard",
                    {"no_shard", "optim", "optim_grads", "optim_grads_params"});
    if (kind == "optim_grads_params") return 3;
    if (kind == "optim_grads") return 2;
    if (kind == "optim") return 1;
  }
  return distributed ? 1 : 0;
}

void sharding(ImportDraft& draft, MegatronArguments& args, const Sizes& is) {
  const std::int64_t zero = zero_stage(draft, args);
  const Place at =
      args.at(zero == 1 ? "--use-distributed-optimizer" : "--data-parallel-sharding-strategy");
  if (zero > 0) draft.set("strategy.zero", zero, at);
  const bool reduces = args.has("--overlap-grad-reduce");
  const bool gathers = args.has("--overlap-param-gather");
  const std::int64_t copies = args.count_or("--num-distributed-optimizer-instances", 1);
  if (copies > 1 && zero > 0) {
    const Place copies_at = args.at("--num-distributed-optimizer-instances");
    if ((is.dp * is.cp) % copies == 0) {
      draft.set("strategy.shard_group", is.dp * is.cp / copies, copies_at);
    } else {
      draft.fault(
          copies_at,
          fmt::format("{} instances do not divide {} data-parallel ranks", copies, is.dp * is.cp),
          "a divisor");
    }
  }
  if (gathers && (zero == 0 || !reduces)) {
    draft.fault(args.at("--overlap-param-gather"),
                "--overlap-param-gather needs --use-distributed-optimizer (or FSDP) and "
                "--overlap-grad-reduce",
                "those beside it, or leave it out");
  }
  if (!reduces) draft.set("strategy.overlap.grad_reduce", false);
  if (!gathers && zero > 0) draft.set("strategy.overlap.param_gather", false);
}

void offload(ImportDraft& draft, MegatronArguments& args, std::int64_t layers) {
  const double part = args.number("--optimizer-offload-fraction").value_or(1.0);
  if (args.has("--optimizer-cpu-offload") && part > 0.0) {
    draft.set("strategy.offload.optimizer", fmt::format("{}", std::min(1.0, part)),
              args.at("--optimizer-offload-fraction"));
  }
  const std::int64_t moved = args.count("--cpu-offloading-num-layers", 0).value_or(0);
  if (moved == 0 || layers == 0) return;
  // Above 1 the key counts layers.
  const Place at = args.at("--cpu-offloading-num-layers");
  draft.set(
      "strategy.offload.activations",
      moved > 1 ? std::to_string(moved) : fmt::format("{}", 1.0 / static_cast<double>(layers)), at);
}

}  // namespace

void draft_megatron_strategy(ImportDraft& draft, MegatronArguments& args, std::int64_t layers) {
  const Sizes is = sizes(draft, args);
  batch(draft, args, is);
  const bool sequence = args.has("--sequence-parallel") && is.tp > 1;
  if (sequence) draft.set("strategy.sequence_parallel", true, args.at("--sequence-parallel"));
  if (args.has("--tp-comm-overlap")) {
    if (sequence) {
      draft.set("strategy.overlap.tp", true, args.at("--tp-comm-overlap"));
    } else {
      draft.fault(args.at("--tp-comm-overlap"), "--tp-comm-overlap needs --sequence-parallel",
                  "both, with --tensor-model-parallel-size above 1");
    }
  }
  context(draft, args, is);
  draft_megatron_pipeline(draft, args, layers, is.pp);
  experts(draft, args, is);
  sharding(draft, args, is);
  offload(draft, args, layers);
  if (args.has("--use-tp-pp-dp-mapping")) {
    draft.set("strategy.rank_order", std::string("tp-cp-ep-pp-dp"),
              args.at("--use-tp-pp-dp-mapping"));
  }
}

}  // namespace formats
