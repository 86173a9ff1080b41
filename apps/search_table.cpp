#include "apps/search_table.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "reports/table.hpp"
#include "reports/text.hpp"

namespace apps {
namespace {

using scenarios::Report;

// A key's value as the scenario file has it; "-" where it says nothing.
std::string resolved(const Report& report, const std::string& key) {
  if (key == "strategy.reshard_after_forward" && report.scenario.plan.zero < 3) return "-";
  for (const scenarios::Resolved& item : report.scenario.resolved) {
    if (item.key == key) return item.value;
  }
  return "-";
}

std::string recompute_text(const scenarios::Scenario& s) {
  switch (s.training.recompute.mode) {
    case strategies::Recompute::none:
      return "none";
    case strategies::Recompute::selective:
      return "selective";
    case strategies::Recompute::full:
      return "full";
    case strategies::Recompute::sqrt:
      return "sqrt";
  }
  return "";
}

std::string overlap_text(const strategies::Overlap& overlap) {
  std::string out;
  const auto add = [&](bool on, const char* name) {
    if (on) out += fmt::format("{}{}", out.empty() ? "" : " ", name);
  };
  add(overlap.grad_reduce, "grad");
  add(overlap.param_gather, "param");
  add(overlap.tp, "tp");
  add(overlap.p2p, "p2p");
  return out.empty() ? "-" : out;
}

// What a training with a strategy costs: in USD, or GPU-hours where there is no price.
std::string cost_text(const Report& report, double tokens) {
  const studies::TrainingRun run = run_of(report, tokens);
  const bool priced = run.price_usd > 0.0;
  return fmt::format(
      "{} {}", reports::grouped(static_cast<std::int64_t>(priced ? run.price_usd : run.gpu_hours)),
      priced ? "USD" : "GPU-hours");
}

// Keys beside the table's own columns: those that ranges vary, and others where the rows differ.
std::vector<std::string> more_keys(const std::vector<Report>& all) {
  constexpr std::array shown{"strategy.tp",
                             "strategy.sequence_parallel",
                             "strategy.cp",
                             "strategy.pp",
                             "strategy.vpp",
                             "strategy.ep",
                             "strategy.etp",
                             "strategy.dp",
                             "strategy.zero",
                             "strategy.shard_group",
                             "strategy.schedule",
                             "strategy.rank_order",
                             "strategy.overlap.tp",
                             "strategy.overlap.grad_reduce",
                             "strategy.overlap.param_gather",
                             "strategy.overlap.p2p",
                             "training.micro_batch",
                             "training.recompute"};
  std::vector<std::string> out;
  for (const auto& [key, values] : all.front().scenario.search.ranges) {
    const bool has_column = std::find(shown.begin(), shown.end(), key) != shown.end();
    if (values.size() > 1 && !has_column) out.push_back(key);
  }
  for (const char* key : {"strategy.pp_layout.embedding_as_layer", "strategy.reshard_after_forward",
                          "strategy.offload.optimizer", "strategy.offload.activations"}) {
    const bool differs = std::any_of(all.begin(), all.end(), [&](const Report& each) {
      return resolved(each, key) != resolved(all.front(), key);
    });
    if (differs && std::find(out.begin(), out.end(), key) == out.end()) out.emplace_back(key);
  }
  return out;
}

}  // namespace

std::string strategy_table(const std::vector<Report>& all, double tokens) {
  if (all.empty()) return "";
  using reports::Align;
  std::vector<reports::Column> columns({{"step time"},
                                        {"GPUs"},
                                        {"cost"},
                                        {"tokens/s/GPU"},
                                        {"MFU"},
                                        {"memory"},
                                        {"tp"},
                                        {"cp"},
                                        {"pp"},
                                        {"vpp"},
                                        {"ep"},
                                        {"dp"},
                                        {"zero"},
                                        {"shard"},
                                        {"mbs"},
                                        {"recompute", Align::left},
                                        {"schedule", Align::left},
                                        {"overlap", Align::left},
                                        {"rank order", Align::left}});
  const std::vector<std::string> more = more_keys(all);
  for (const std::string& key : more)
    columns.push_back({key.substr(key.find('.') + 1), Align::left});
  reports::Table table(columns);
  for (const Report& report : all) {
    const scenarios::Scenario& s = report.scenario;
    const strategies::Plan& p = s.plan;
    const auto number = [](std::int64_t value) { return fmt::format("{}", value); };
    std::vector<std::string> cells{
        reports::time_text(report.step_time),
        number(s.cluster.gpus),
        cost_text(report, tokens),
        fmt::format("{:.1f}", report.tokens_per_s / static_cast<double>(s.cluster.gpus)),
        reports::percent_text(report.mfu),
        reports::gib_text(report.stages[report.worst_stage].driver),
        number(p.tp) + (p.sequence_parallel ? " sp" : ""),
        number(p.cp),
        number(p.pp),
        number(p.vpp),
        p.etp > 1 ? fmt::format("{} x {}", p.ep, p.etp) : number(p.ep),
        number(p.dp),
        fmt::format("{}", p.zero),
        number(p.shard_group),
        number(s.training.micro_batch),
        recompute_text(s),
        p.schedule,
        overlap_text(p.overlap),
        p.rank_order};
    for (const std::string& key : more) cells.push_back(resolved(report, key));
    table.row(cells);
  }
  return table.text(2);
}

studies::TrainingRun run_of(const Report& report, double tokens) {
  const double wanted =
      tokens > 0.0 ? tokens : studies::compute_optimal_tokens(report.scenario.model);
  return studies::training_run(report, wanted);
}

}  // namespace apps
