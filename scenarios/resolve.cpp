#include "scenarios/resolve.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "scenarios/keys.hpp"

namespace scenarios {

Position Resolver::locate(std::string_view path) const {
  const auto found = draft_.given.find(std::string(path));
  if (found != draft_.given.end() && found->second.line > 0) return found->second;
  const Node* node = &tree_;
  Position best{0, 1, 1};
  while (node != nullptr) {
    if (node->at.line > 0) best = node->at;
    const std::size_t dot = path.find('.');
    node = node->find(path.substr(0, dot));
    path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
  }
  return best;
}

std::string Resolver::place(Position at) const {
  if (at.line <= 0) return sources_[at.source].name;
  return fmt::format("{}:{}:{}", sources_[at.source].name, at.line, at.column);
}

bool Resolver::given_by_user(const std::string& path) const {
  const auto found = draft_.given.find(path);
  return found != draft_.given.end() && sources_.by_user(found->second);
}

void Resolver::require(const std::string& path, const std::string& hint) {
  if (given(path)) return;
  diagnostics_.error(locate(path), path, fmt::format("`{}` is missing", path), hint);
}

void Resolver::require_section(const char* name, const std::string& hint) {
  const Node* section = tree_.find(name);
  if (section != nullptr && !section->is_null()) return;
  diagnostics_.error(locate(name), name, fmt::format("`{}` is missing", name), hint);
}

void Resolver::warn(std::string message, const std::string& path) {
  out_.warnings.push_back({std::move(message), place(locate(path))});
}

// Each problem at the first of its keys that the user wrote; the places of the others in the hint.
void Resolver::report(const std::vector<Problem>& problems) {
  for (const Problem& problem : problems) {
    std::string chosen = problem.paths.front();
    for (const std::string& path : problem.paths) {
      if (given_by_user(chosen)) break;
      chosen = path;
    }
    if (!given_by_user(chosen)) chosen = problem.paths.front();
    diagnostics_.error(locate(chosen), chosen, problem.message, problem.hint);
  }
}

// Defaults of scenario keys that the implementation profile decides.
void Resolver::profile() {
  const std::string origin = "profile " + draft_.strategy.implementation;
  auto& implementation = draft_.implementation;
  auto& plan = draft_.strategy.plan;
  implementation.name = draft_.strategy.implementation;
  settle("training.grad_dtype", draft_.training.grad_dtype, implementation.grad_dtype, origin);
  settle("training.fp8_amax_reduce", draft_.training.fp8_amax_reduce,
         implementation.fp8_amax_reduce, origin);
  settle("training.compile", draft_.training.compile, implementation.kernels.compiled, origin);
  implementation.kernels.compiled = draft_.training.compile;
  settle("strategy.cp_type", plan.cp_type, implementation.cp_type, origin);
  settle("strategy.rank_order", plan.rank_order, implementation.rank_order, origin);
  settle("strategy.reshard_after_forward", plan.reshard_after_forward,
         implementation.reshard_after_forward, origin);
  settle("strategy.overlap.grad_reduce", plan.overlap.grad_reduce,
         implementation.overlap.grad_reduce, origin);
  settle("strategy.overlap.param_gather", plan.overlap.param_gather,
         implementation.overlap.param_gather, origin);
  settle("strategy.overlap.tp", plan.overlap.tp, implementation.overlap.tp, origin);
  settle("strategy.overlap.p2p", plan.overlap.p2p, implementation.overlap.p2p, origin);
}

void Resolver::refuse_huge() {
  const double tasks = estimated_tasks(out_);
  if (tasks <= kMostTasks) return;
  diagnostics_.fatal(
      locate("training.global_batch"),
      fmt::format("the step needs about {:.0e} tasks; the limit is {:.0e}", tasks, kMostTasks),
      "raise micro_batch, lower global_batch, or use fewer layers", ErrorKind::limit);
}

void Resolver::search_counts() {
  const std::vector<std::int64_t>& counts = draft_.search.gpus;
  const bool rising =
      std::adjacent_find(counts.begin(), counts.end(), std::greater_equal<>()) == counts.end();
  if (!given("search.gpus") || (rising && !counts.empty())) return;
  diagnostics_.error(locate("search.gpus"), "search.gpus",
                     counts.empty() ? "`search.gpus` is an empty list"
                                    : "`search.gpus` does not rise from count to count",
                     "write each count once, the smallest first: [8, 16, 32]");
}

Scenario Resolver::scenario(PlanChecks checks) {
  require_section("model", "name a catalogue model: model: llama3-8b");
  require_section("cluster", "name a catalogue cluster: cluster: dgx-h100");
  diagnostics_.throw_if_any();
  out_.model = model();
  device();
  profile();
  training();
  plan();
  intra_node();
  inter_node();
  search_counts();
  diagnostics_.throw_if_any();
  batch();
  out_.name = draft_.name;
  out_.device = draft_.device.device;
  out_.training = draft_.training;
  out_.plan = draft_.strategy.plan;
  out_.plan.layers_of_chunk = draft_.strategy.stages;
  out_.implementation = draft_.implementation;
  out_.faults = draft_.faults;
  out_.search = draft_.search;
  for (const auto& [key, at] : draft_.searched) {
    out_.search.written[key.substr(std::string_view("search.").size())] = {
        sources_[at.source].name, at.line, at.column, sources_.line_text(at)};
  }
  out_.cluster = draft_.cluster.spec;
  report(model_problems(out_));
  report(cluster_problems(out_));
  if (checks == PlanChecks::on) {
    report(plan_problems(out_));
    idle_settings();
  }
  diagnostics_.throw_if_any();
  if (checks == PlanChecks::on) refuse_huge();
  layout();
  out_.plan = draft_.strategy.plan;
  out_.resolved = provenance();
  return std::move(out_);
}

Scenario Resolver::cluster_only() {
  device();
  cluster_size();
  intra_node();
  inter_node();
  diagnostics_.throw_if_any();
  out_.device = draft_.device.device;
  out_.cluster = draft_.cluster.spec;
  report(cluster_problems(out_));
  diagnostics_.throw_if_any();
  return std::move(out_);
}

models::Model Resolver::model_only() {
  out_.model = model();
  diagnostics_.throw_if_any();
  return std::move(out_.model);
}

namespace {

// Whether a key says anything in this scenario: the finer form of recompute depends on its mode.
bool applies(const std::string& path, const Draft& draft) {
  const strategies::Recompute mode = draft.training.recompute.mode;
  if (path == "training.recompute.mode") return false;  // training.recompute says it
  if (path == "training.recompute.modules") return mode == strategies::Recompute::selective;
  if (path.starts_with("training.recompute.")) return mode == strategies::Recompute::full;
  return path != "search.max_memory" || draft.search.max_memory_bytes > 0.0;
}

}  // namespace

std::vector<Resolved> Resolver::provenance() const {
  const bool transformer = out_.model.transformer() != nullptr;
  std::vector<Resolved> list;
  for (const Key<Draft>& key : scenario_keys()) {
    const std::string path(key.info.path);
    const bool shape = path.starts_with("model.") && path != "model.base" && path != "model.hf" &&
                       path != "model.blocks";
    if ((shape && !transformer) || !applies(path, draft_)) continue;
    const auto value = key.print(draft_, key.info);
    if (!value) continue;
    const auto at = draft_.given.find(path);
    const auto origin = draft_.origins.find(path);
    std::string from = "default";
    if (at != draft_.given.end()) from = sources_[at->second.source].label;
    if (at == draft_.given.end() && origin != draft_.origins.end()) from = origin->second;
    list.push_back({path, *value, from});
  }
  return list;
}

}  // namespace scenarios
