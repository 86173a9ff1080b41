#include "studies/advice.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "models/operators.hpp"
#include "scenarios/problems.hpp"
#include "scenarios/settings.hpp"
#include "scenarios/step_model.hpp"

namespace studies {
namespace {

using scenarios::Scenario;

// Sequences longer than this are split (Llama 3, arXiv 2407.21783 §3.3.2: context parallelism for
// 128k, none for 8k).
constexpr std::int64_t kLongContext = 32'768;
constexpr std::int64_t kTokensOfRank = 8'192;

double gib(double bytes) { return bytes / (1024.0 * 1024.0 * 1024.0); }

// The degrees with everything that follows from them.
Scenario with_degrees(Scenario s) {
  const std::int64_t ranks = s.plan.tp * s.plan.cp * s.plan.pp;
  s.plan.dp = std::max<std::int64_t>(1, s.cluster.gpus / ranks);
  s.plan.shard_group = s.plan.dp * s.plan.cp;
  s.plan.layers_of_chunk = scenarios::spread_layers(
      scenarios::layer_count(s.model), s.plan.pp * s.plan.vpp,
      s.plan.embedding_as_layer ? scenarios::Ends::count_as_layers : scenarios::Ends::free);
  return s;
}

bool is_strategy(const Scenario& s) {
  return scenarios::model_problems(s).empty() && scenarios::plan_problems(s).empty();
}

// Of the fullest rank. Where the batch is smaller than the replicas, as if it were not.
double memory_of(Scenario s) {
  s.training.global_batch = std::max(s.training.global_batch, s.plan.dp * s.training.micro_batch);
  if (!is_strategy(s)) return 1e30;
  double most = 0.0;
  const auto model = scenarios::build_step(s);
  for (const auto& stage : scenarios::stage_memory(s, *model)) {
    most = std::max(most, stage.driver.as_double());
  }
  return most;
}

class Rules {
 public:
  Rules(const Scenario& scenario, double limit) : limit_(limit) {
    Scenario s = scenario;
    strategies::Plan plan;
    plan.cp_type = s.implementation.cp_type;
    plan.overlap = s.implementation.overlap;
    plan.reshard_after_forward = s.implementation.reshard_after_forward;
    plan.rank_order = s.implementation.rank_order;
    s.plan = plan;
    s.training.micro_batch = 1;
    s.training.recompute = {};
    advice_.scenario = with_degrees(std::move(s));
  }

  Advice take() {
    context();
    experts();
    one_gpu();
    sharding();
    tensor();
    pipeline();
    bubble();
    recompute();
    advice_.possible = is_strategy(here()) && memory_of(here()) <= limit_;
    if (advice_.possible) scenarios::refresh_resolved(here(), "rules");
    return std::move(advice_);
  }

 private:
  Scenario& here() { return advice_.scenario; }
  std::int64_t node() {
    const auto& cluster = here().cluster;
    return cluster.nvlink_domain > 0 ? cluster.nvlink_domain : cluster.gpus_per_node;
  }
  bool enough_sequences() { return here().plan.dp <= here().training.global_batch; }
  bool fits() { return memory_of(here()) <= limit_; }
  std::string memory_text() {
    const double memory = memory_of(here());
    if (memory > 1e29) return "no strategy";
    return fmt::format("{:.1f} of {:.1f} GiB", gib(memory), gib(limit_));
  }
  void say(std::string question, std::string numbers, std::string answer) {
    advice_.steps.push_back({std::move(question), std::move(numbers), std::move(answer)});
  }

  void context() {
    const std::int64_t tokens = here().training.seq_len;
    std::int64_t cp = 1;
    while (tokens > kLongContext && tokens / cp > kTokensOfRank && cp * 2 <= here().cluster.gpus) {
      cp *= 2;
    }
    here().plan.cp = cp;
    here() = with_degrees(here());
    say("long context?",
        fmt::format("{} tokens a sequence, long is more than {}", tokens, kLongContext),
        cp > 1 ? fmt::format("context parallel, cp {}", cp) : "no context parallelism");
  }

  void experts() {
    const models::Transformer* model = here().model.transformer();
    if (model == nullptr || !model->moe) return;
    std::int64_t ep = 1;
    while (ep * 2 <= std::min({model->moe->experts, node(), here().plan.dp * here().plan.cp}) &&
           model->moe->experts % (ep * 2) == 0) {
      ep *= 2;
    }
    here().plan.ep = ep;
    say("experts?", fmt::format("{} experts, {} GPUs with fast links", model->moe->experts, node()),
        ep > 1 ? fmt::format("expert parallel inside the node, ep {}", ep)
               : "no expert parallelism");
  }

  void one_gpu() {
    const double parameters =
        static_cast<double>(models::count_parameters(here().model).total) * 1e-9;
    say("fits on one GPU?", fmt::format("{:.1f} billion parameters: {}", parameters, memory_text()),
        fits() ? "yes: data parallel" : "no");
  }

  void sharding() {
    for (const int zero : {1, 2, 3}) {
      if (fits() || here().plan.dp * here().plan.cp == 1) return;
      here().plan.zero = zero;
      constexpr std::array what{"", "optimizer", "optimizer and gradients",
                                "optimizer, gradients and parameters"};
      say(fmt::format("fits with {} sharded?", what[static_cast<std::size_t>(zero)]),
          fmt::format("over {} replicas: {}", here().plan.shard_group, memory_text()),
          fits() ? fmt::format("yes: ZeRO-{}", zero) : "no");
    }
    // Gathering every layer is for what fits in no other way: with model parallelism ZeRO-1 is.
    if (!fits() || !enough_sequences()) here().plan.zero = std::min<int>(here().plan.zero, 1);
  }

  void tensor() {
    while ((!fits() || !enough_sequences()) && here().plan.tp * 2 <= node()) {
      Scenario next = here();
      next.plan.tp *= 2;
      next.plan.sequence_parallel = true;
      next = with_degrees(std::move(next));
      Scenario probe = next;
      probe.training.global_batch = std::max(probe.training.global_batch, probe.plan.dp);
      if (!is_strategy(probe)) break;
      here() = std::move(next);
      if (here().plan.zero == 0) here().plan.zero = 1;
      say("layers too large, or fewer sequences than replicas?",
          fmt::format("with tp {}: {}, {} replicas for {} sequences", here().plan.tp, memory_text(),
                      here().plan.dp, here().training.global_batch),
          fits() && enough_sequences() ? fmt::format("tensor parallel, tp {}", here().plan.tp)
                                       : "more");
    }
  }

  void pipeline() {
    const std::int64_t layers = scenarios::layer_count(here().model);
    while ((!fits() || !enough_sequences()) && here().plan.pp * 2 <= layers &&
           here().plan.tp * here().plan.cp * here().plan.pp * 2 <= here().cluster.gpus) {
      here().plan.pp *= 2;
      here() = with_degrees(here());
      say("too large for the node?",
          fmt::format("with pp {}: {}, {} replicas for {} sequences", here().plan.pp, memory_text(),
                      here().plan.dp, here().training.global_batch),
          fits() && enough_sequences() ? fmt::format("pipeline, pp {}", here().plan.pp) : "more");
    }
  }

  void bubble() {
    if (here().plan.pp == 1 || !enough_sequences()) return;
    const std::int64_t count = scenarios::micro_batches(here());
    const double share =
        static_cast<double>(here().plan.pp - 1) / static_cast<double>(count + here().plan.pp - 1);
    std::string answer = "1F1B";
    if (share > 0.05) {
      Scenario next = here();
      next.plan.schedule = "interleaved";
      for (std::int64_t vpp = 2; vpp * here().plan.pp <= scenarios::layer_count(here().model);
           vpp *= 2) {
        next.plan.vpp = vpp;
        next = with_degrees(std::move(next));
        if (!is_strategy(next) || memory_of(next) > limit_) break;
        here() = next;
        answer = fmt::format("interleaved, {} chunks a stage", vpp);
      }
    }
    say("large bubble?",
        fmt::format("{} micro-batches over {} stages: {:.0f} % with 1F1B", count, here().plan.pp,
                    share * 100.0),
        answer);
  }

  void recompute() {
    if (fits()) return;
    here().training.recompute.mode = strategies::Recompute::full;
    say("activations too large?", fmt::format("with full recomputation: {}", memory_text()),
        fits() ? "recompute" : "no strategy by these rules");
  }

  double limit_;
  Advice advice_;
};

std::string value_of(const Scenario& scenario, const std::string& key) {
  for (const scenarios::Resolved& item : scenario.resolved) {
    if (item.key == key) return item.value;
  }
  return "";
}

std::string effect_of(const scenarios::Report& advised, Scenario changed, double limit,
                      const Predict& predict) {
  changed = with_degrees(std::move(changed));
  if (!is_strategy(changed)) return "only together with the other changes";
  const double memory = memory_of(changed);
  if (memory > limit) return fmt::format("alone it would take {:.1f} GiB", gib(memory));
  const double seconds = predict(changed).step_time.seconds() - advised.step_time.seconds();
  return fmt::format("alone {:+.1f} % step time", 100.0 * seconds / advised.step_time.seconds());
}

}  // namespace

Advice advise(const Scenario& scenario, double limit) { return Rules(scenario, limit).take(); }

std::vector<Disagreement> disagreements(const scenarios::Report& advised,
                                        const scenarios::Report& found, double limit,
                                        const Predict& predict) {
  std::vector<Disagreement> out;
  for (const char* key :
       {"strategy.tp", "strategy.sequence_parallel", "strategy.cp", "strategy.pp", "strategy.vpp",
        "strategy.schedule", "strategy.ep", "strategy.etp", "strategy.zero", "strategy.overlap.tp",
        "strategy.overlap.grad_reduce", "strategy.overlap.param_gather", "strategy.overlap.p2p",
        "strategy.rank_order", "strategy.offload.optimizer", "strategy.offload.activations",
        "training.micro_batch", "training.recompute"}) {
    const std::string before = value_of(advised.scenario, key);
    const std::string after = value_of(found.scenario, key);
    if (before == after) continue;
    Scenario changed = advised.scenario;
    scenarios::apply_setting(changed, key, after);
    out.push_back({key, before, after, effect_of(advised, std::move(changed), limit, predict)});
  }
  return out;
}

}  // namespace studies
