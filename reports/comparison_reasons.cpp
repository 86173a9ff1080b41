#include "reports/comparison_reasons.hpp"

#include <fmt/format.h>

#include <array>
#include <vector>

#include "scenarios/problems.hpp"

namespace reports {
namespace {

using scenarios::Report;
using scenarios::Scenario;

struct Dependence {
  std::string_view part;
  std::vector<std::string_view> keys;  // in front of the dot as well: "cluster.device."
};

// What each part is made of, by the keys of the scenario; docs/strategies.md has the formulas.
const std::vector<Dependence>& dependences() {
  static const std::vector<Dependence> all{
      {"compute",
       {"model.", "cluster.gpus", "cluster.device.", "training.seq_len", "training.global_batch",
        "training.micro_batch", "training.precision", "training.attention", "training.compile",
        "strategy.tp", "strategy.cp", "strategy.pp", "strategy.dp", "strategy.ep",
        "strategy.sequence_parallel", "strategy.pp_layout.", "implementation.base"}},
      {"recompute", {"training.recompute", "training.recompute.", "cluster.device."}},
      {"optimizer",
       {"training.optimizer", "strategy.zero", "strategy.shard_group", "strategy.tp", "strategy.pp",
        "strategy.offload.optimizer"}},
      {"exposed_tp",
       {"strategy.tp", "strategy.sequence_parallel", "strategy.overlap.tp", "training.micro_batch",
        "training.seq_len", "training.precision", "cluster.intra_node.", "cluster.gpus_per_node"}},
      {"exposed_cp",
       {"strategy.cp", "strategy.cp_type", "training.seq_len", "cluster.intra_node.",
        "cluster.inter_node."}},
      {"exposed_ep",
       {"strategy.ep", "strategy.etp", "strategy.ep_dispatch", "strategy.overlap.ep",
        "training.moe_balance", "cluster.intra_node.", "cluster.inter_node."}},
      {"exposed_pp",
       {"strategy.pp", "strategy.vpp", "strategy.overlap.p2p", "strategy.schedule",
        "training.micro_batch", "cluster.inter_node."}},
      {"exposed_dp",
       {"strategy.zero", "strategy.dp", "strategy.shard_group", "strategy.overlap.grad_reduce",
        "strategy.overlap.param_gather", "strategy.reshard_after_forward", "strategy.grad_reduce",
        "strategy.rank_order", "training.grad_dtype", "strategy.tp", "strategy.pp",
        "cluster.inter_node.", "cluster.gpus"}},
      {"bubble",
       {"strategy.pp", "strategy.vpp", "strategy.schedule", "strategy.dp", "training.global_batch",
        "training.micro_batch", "strategy.pp_layout."}},
      {"other", {"implementation.", "strategy.offload."}},
  };
  return all;
}

bool concerns(const Dependence& dependence, std::string_view key) {
  for (const std::string_view wanted : dependence.keys) {
    const bool section = wanted.ends_with('.');
    if (section ? key.starts_with(wanted) : key == wanted) return true;
  }
  return false;
}

std::string value_of(const Scenario& scenario, const std::string& key) {
  for (const scenarios::Resolved& item : scenario.resolved) {
    if (item.key == key) return item.value;
  }
  return "-";
}

// The last part of a key: strategy.overlap.tp stays overlap.tp.
std::string short_key(const std::string& key) { return key.substr(key.find('.') + 1); }

std::string bubble_text(const Report& report) {
  const Scenario& s = report.scenario;
  const std::string chunks = s.plan.vpp > 1 ? fmt::format(" of {} chunks", s.plan.vpp) : "";
  return fmt::format("{} micro-batches over {} stages{}", scenarios::micro_batches(s), s.plan.pp,
                     chunks);
}

// What the change means, where the keys alone do not say it.
std::string meaning(std::string_view part, const Report& base, const Report& other) {
  const strategies::Plan& a = base.scenario.plan;
  const strategies::Plan& b = other.scenario.plan;
  if (part == "exposed_dp" && a.zero != b.zero && b.zero == 3) {
    return "parameters are gathered for every pass";
  }
  if (part == "exposed_dp" && a.zero != b.zero && a.zero == 3) {
    return "parameters need not be gathered for every pass";
  }
  if (part == "exposed_dp" && a.overlap.grad_reduce != b.overlap.grad_reduce) {
    return b.overlap.grad_reduce ? "gradients are reduced beside backward"
                                 : "gradients are reduced after backward";
  }
  const std::int64_t node = other.scenario.cluster.gpus_per_node;
  if (part == "exposed_tp" && b.tp > node && a.tp <= node) return "tp leaves the node";
  if (part == "bubble" && (a.pp > 1 || b.pp > 1)) {
    return fmt::format("{} instead of {}", bubble_text(other), bubble_text(base));
  }
  if (part == "compute" && b.tp > a.tp) return "each product is smaller";
  if (part == "compute" && b.tp < a.tp) return "each product is larger";
  return "";
}

}  // namespace

std::string difference_reason(std::string_view part, const Report& base, const Report& other) {
  constexpr std::size_t kMostKeys = 4;
  std::string out;
  std::size_t count = 0;
  for (const Dependence& dependence : dependences()) {
    if (dependence.part != part) continue;
    for (const scenarios::Resolved& item : other.scenario.resolved) {
      const std::string before = value_of(base.scenario, item.key);
      if (before == item.value || !concerns(dependence, item.key)) continue;
      if (before.size() + item.value.size() > 40) continue;  // lists of layers
      if (++count > kMostKeys) break;
      out += fmt::format("{}{} {} -> {}", out.empty() ? "" : ", ", short_key(item.key), before,
                         item.value);
    }
  }
  const std::string more = meaning(part, base, other);
  if (!more.empty() && !out.empty()) out += ": " + more;
  return out;
}

}  // namespace reports
