// Which combinations are strategies, and why the others are none.
#include <algorithm>
#include <atomic>
#include <initializer_list>
#include <map>

#include <fmt/format.h>

#include "scenarios/problems.hpp"
#include "studies/search_space.hpp"
#include "studies/workers.hpp"

namespace studies {
namespace {

using scenarios::Problem;
using scenarios::Scenario;

// Enough for threads to have parts of all sizes; more would only take memory.
constexpr std::size_t kManyPrefixes = 1'024;

bool names(const Problem& problem, std::string_view key) {
  return std::find(problem.paths.begin(), problem.paths.end(), key) != problem.paths.end();
}

// Whether a key that search does not vary by itself says anything beside the other settings. Where
// it does not, its values make no different strategies.
bool has_a_say(const std::string& key, const Scenario& s) {
  using strategies::Recompute;
  const Recompute mode = s.training.recompute.mode;
  const auto is = [&](std::initializer_list<std::string_view> keys) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
  };
  if (is({"strategy.cp_type", "strategy.cp_balance"})) return s.plan.cp > 1;
  if (is({"strategy.ep_dispatch", "strategy.overlap.ep"})) return s.plan.ep > 1 || s.plan.etp > 1;
  if (is({"training.fp8_recipe", "training.fp8_amax_reduce"})) {
    const models::Precision precision = s.training.precision;
    if (precision != models::Precision::fp8 && precision != models::Precision::fp4) return false;
  }
  if (is({"training.deallocate_early"})) {  // there is nothing to free
    return mode != Recompute::full || s.training.recompute.layers > 0;
  }
  if (is({"training.recompute.modules"})) return mode == Recompute::selective;
  if (is({"training.recompute.layers", "training.recompute.every"})) {
    return mode == Recompute::full;
  }
  return !scenarios::rests(s, key);
}

// Of degrees that do not make up the cluster, or not with a dp that is wanted.
Problem wrong_degrees(const Scenario& s) {
  const std::int64_t replica = s.plan.tp * s.plan.cp * s.plan.pp;
  if (s.cluster.gpus % replica != 0) {
    return {{"strategy.pp", "strategy.tp", "strategy.cp"},
            fmt::format("tp·cp·pp = {}·{}·{} = {} does not divide cluster.gpus = {}", s.plan.tp,
                        s.plan.cp, s.plan.pp, replica, s.cluster.gpus),
            "degrees whose product divides the GPUs",
            true};
  }
  return {{"strategy.dp"},
          fmt::format("tp·cp·pp = {} leaves dp = {}, which is not searched", replica, s.plan.dp),
          "other degrees, or another dp"};
}

}  // namespace

struct SearchSpace::Walk {
  Cores out;
  std::map<VariantKey, std::optional<Problem>>
      known;                                  // what refuses every variant, if they all are
  std::string about;                          // a key whose refusal is the one to tell
  std::optional<Problem> refusal;             // the first, or the first about that key
  std::size_t most = kMostCores;              // ends with one core more…
  std::atomic<std::size_t>* taken = nullptr;  // … of all walks side by side

  void refuse(const Problem& problem) {
    Refusal& entry = out.refused[problem.divides ? kDivisibility : problem.paths.front()];
    if (++entry.count == 1) entry.example = problem.message;
    if (!refusal || (!names(*refusal, about) && names(problem, about))) refusal = problem;
  }
  const Stop* stop = nullptr;
  bool ends() const { return *taken > most || (stop != nullptr && *stop && (*stop)()); }
  void take(const SearchCore& core) {
    out.list.push_back(core);
    ++*taken;
  }
};

// Whether variants of a core can still settle it.
bool SearchSpace::is_of_variants(const Problem& problem) const {
  return std::any_of(problem.paths.begin(), problem.paths.end(), [&](const std::string& path) {
    return std::any_of(variant_.begin(), variant_.end(), [&](const SearchDimension& d) {
      return d.path == path || d.path.starts_with(path + ".");
    });
  });
}

std::optional<Problem> SearchSpace::core_problem(const Scenario& scenario) const {
  for (const auto& list :
       {scenarios::model_problems(scenario), scenarios::plan_problems(scenario)}) {
    for (const Problem& problem : list) {
      if (!is_of_variants(problem)) return problem;
    }
  }
  const double tasks = scenarios::estimated_tasks(scenario);
  if (tasks <= scenarios::kMostTasks) return std::nullopt;
  return Problem{{"training.global_batch"},
                 fmt::format("the step needs about {:.0e} tasks; the limit is {:.0e}", tasks,
                             scenarios::kMostTasks),
                 "raise micro_batch"};
}

std::optional<Problem> SearchSpace::variant_problem(const Scenario& scenario) const {
  const std::int64_t ranks = scenario.plan.dp * scenario.plan.cp;
  if (ranks % scenario.plan.shard_group != 0) {
    return Problem{{"strategy.shard_group", "strategy.dp"},
                   fmt::format("shard_group = {} does not divide dp·cp = {}",
                               scenario.plan.shard_group, ranks),
                   "a divisor of dp·cp",
                   true};
  }
  if (!variants_are_checked_) return std::nullopt;
  Scenario plain = scenario;
  if (plain.plan.zero == 0) plain.plan.shard_group = ranks;
  const std::vector<Problem> problems = scenarios::plan_problems(plain);
  if (problems.empty()) return std::nullopt;
  return problems.front();
}

// What follows from the degrees; false when they do not make up the cluster.
bool SearchSpace::complete(Scenario& s) const {
  const std::int64_t replica = s.plan.tp * s.plan.cp * s.plan.pp;
  if (s.cluster.gpus % replica != 0) return false;
  s.plan.dp = s.cluster.gpus / replica;
  s.plan.shard_group = s.plan.dp * s.plan.cp;
  for (const SearchDimension& d : core_) {
    if (d.path != "strategy.dp") continue;
    const std::string text = fmt::format("{}", s.plan.dp);
    if (std::find(d.texts.begin(), d.texts.end(), text) == d.texts.end()) return false;
  }
  return true;
}

// Whether an earlier value of a key that has no say here makes the same strategy.
bool SearchSpace::repeats(const SearchCore& core, Scenario& scenario) const {
  for (std::size_t d = 0; d < core_.size(); ++d) {
    const SearchDimension& row = core_[d];
    if (row.set != nullptr || row.path == "strategy.dp" || has_a_say(row.path, scenario)) continue;
    bool found = false;
    for (std::int64_t value = 0; value < core.values[d] && !found; ++value) {
      set(row, scenario, value);
      found = !core_problem(scenario);
    }
    set(row, scenario, core.values[d]);
    if (found) return true;
  }
  return false;
}

void SearchSpace::take_core(const SearchCore& core, Scenario& scenario, Walk& walk) const {
  scenario.plan.layers_of_chunk.clear();
  if (const auto problem = core_problem(scenario)) return walk.refuse(*problem);
  if (repeats(core, scenario)) return;
  if (variants_are_checked_) {
    const auto [entry, is_new] = walk.known.try_emplace(variant_key(core, scenario));
    if (is_new) {
      std::optional<Problem> first;
      if (variants(scenario, &first).empty()) entry->second = first;
    }
    if (entry->second) return walk.refuse(*entry->second);
  }
  walk.take(core);
}

void SearchSpace::enumerate(std::size_t dimension, SearchCore& core, Scenario& scenario,
                            Walk& walk) const {
  if (dimension == core_.size()) return take_core(core, scenario, walk);
  const SearchDimension& row = core_[dimension];
  const std::vector<std::int64_t> list =
      row.path == "strategy.dp" ? std::vector<std::int64_t>{0} : values(row, scenario);
  if (list.empty()) {
    walk.refuse({{row.path, "training.global_batch"},
                 fmt::format("global_batch = {} does not divide over dp = {}",
                             scenario.training.global_batch, scenario.plan.dp),
                 fmt::format("training.global_batch: a multiple of {}", scenario.plan.dp),
                 true});
  }
  for (const std::int64_t value : list) {
    if (walk.ends()) return;
    set(row, scenario, value);
    core.values[dimension] = value;
    if (row.path == "strategy.pp" && !complete(scenario)) {
      walk.refuse(wrong_degrees(scenario));
      continue;
    }
    enumerate(dimension + 1, core, scenario, walk);
  }
}

std::vector<SearchSpace::Prefix> SearchSpace::prefixes(std::size_t dimensions) const {
  std::vector<Prefix> out{{}};
  Scenario scratch = base_;
  for (std::size_t d = 0; d < dimensions && out.size() < kManyPrefixes; ++d) {
    std::vector<Prefix> longer;
    for (const Prefix& prefix : out) {
      for (std::size_t i = 0; i < prefix.dimensions; ++i) {
        set(core_[i], scratch, prefix.core.values[i]);
      }
      const bool is_dp = core_[d].path == "strategy.dp";  // follows from the others
      std::vector<std::int64_t> list{0};
      if (prefix.dimensions < d) list.clear();
      if (prefix.dimensions == d && !is_dp) list = values(core_[d], scratch);
      if (list.empty()) longer.push_back(prefix);  // enumerate() says what is wrong with it
      for (const std::int64_t value : list) {
        longer.push_back(prefix);
        longer.back().core.values[d] = value;
        longer.back().dimensions = d + 1;
      }
    }
    out = std::move(longer);
  }
  return out;
}

// What stands before the stages of the pipeline side by side.
SearchSpace::Cores SearchSpace::cores(unsigned threads, std::size_t most, const Stop& stop) const {
  const std::vector<Prefix> begins = prefixes(inner_dimensions());
  std::vector<Cores> parts(begins.size());
  std::atomic<std::size_t> taken = 0;
  parallel_for(begins.size(), threads, [&](std::size_t, std::size_t i) {
    Walk walk;
    walk.taken = &taken;
    walk.most = most;
    walk.stop = &stop;
    walk.out.list = CoreList(core_.size());
    SearchCore core = begins[i].core;
    Scenario scratch = base_;
    for (std::size_t d = 0; d < begins[i].dimensions; ++d) set(core_[d], scratch, core.values[d]);
    enumerate(begins[i].dimensions, core, scratch, walk);
    parts[i] = std::move(walk.out);
  });
  if (taken > most) {
    throw scenarios::ScenarioError(
        scenarios::ErrorKind::limit,
        {diagnostic_at(base_, "search.ranges",
                       fmt::format("more than {} ways through the model to choose from", most),
                       "fix some of their keys, or give shorter ranges")});
  }
  Cores out;
  out.list = CoreList(core_.size());
  out.list.reserve(taken);
  for (Cores& part : parts) {
    out.list.append(part.list);
    part.list = CoreList();
    for (auto& [reason, refusal] : part.refused) {
      Refusal& all = out.refused[reason];
      if (all.count == 0) all.example = std::move(refusal.example);
      all.count += refusal.count;
    }
  }
  return out;
}

std::size_t SearchSpace::inner_dimensions() const {
  const auto at = std::find_if(core_.begin(), core_.end(),
                               [](const SearchDimension& d) { return d.path == "strategy.pp"; });
  return static_cast<std::size_t>(at - core_.begin());
}

std::optional<Problem> SearchSpace::emptiness(const std::string& key) const {
  std::atomic<std::size_t> taken = 0;
  Walk walk;
  walk.taken = &taken;
  walk.out.list = CoreList(core_.size());
  walk.about = key;
  walk.most = 0;
  SearchCore core;
  Scenario scratch = base_;
  enumerate(0, core, scratch, walk);
  return walk.out.list.empty() ? walk.refusal : std::nullopt;
}

VariantKey SearchSpace::variant_key(const SearchCore& core, const Scenario& scenario) const {
  const strategies::Plan& plan = scenario.plan;
  VariantKey key{plan.tp, plan.cp, plan.pp, plan.ep, plan.etp, plan.dp};
  if (!variants_are_checked_) return key;
  for (std::size_t d = 0; d < core_.size(); ++d) {
    const SearchDimension& row = core_[d];
    const bool counts = row.set == nullptr || row.path == "strategy.rank_order" ||
                        row.path == "strategy.offload.activations";
    if (counts) key[6 + d] = core.values[d];
  }
  return key;
}

}  // namespace studies
