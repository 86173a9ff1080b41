#include "studies/search_work.hpp"

#include <algorithm>

#include "studies/search_evaluate.hpp"

namespace studies {

using scenarios::Scenario;

SearchWork::SearchWork(const SearchSpace& space, scenarios::PredictionCache& cache,
                       unsigned threads)
    : space_(space), cache_(cache), cores_(space.cores()), limit_(memory_limit(space.base())) {
  for (unsigned t = 0; t < threads; ++t) {
    desks_.push_back({std::make_unique<SearchBounds>(space, cache.machine()), space.base(), {}});
  }
}

Scenario& SearchWork::hold(Desk& desk, std::uint32_t core) const {
  space_.apply(cores_.list[core], desk.scenario);
  return desk.scenario;
}

const std::vector<SearchVariant>& SearchWork::variants(Desk& desk) const {
  const strategies::Plan& plan = desk.scenario.plan;
  const auto [entry, is_new] =
      desk.variants.try_emplace({plan.tp, plan.cp, plan.pp, plan.ep, plan.etp, plan.dp});
  if (is_new) entry->second = space_.variants(desk.scenario);
  return entry->second;
}

CoreBound SearchWork::bound(unsigned thread, std::uint32_t core) {
  Desk& desk = desks_[thread];
  Scenario& scenario = hold(desk, core);
  CoreBound out;
  out.bound = desk.bounds->core(cores_.list[core], scenario);
  out.variants = static_cast<std::uint32_t>(variants(desk).size());
  return out;
}

std::vector<Item> SearchWork::sharpened(unsigned thread, const Item& item) {
  if (item.level == kSharpest) return {item};
  Desk& desk = desks_[thread];
  const SearchCore& core = cores_.list[item.id.core];
  Scenario& scenario = hold(desk, item.id.core);
  if (item.level == Level::core) {
    Item sharp = item;
    sharp.level = Level::chain;
    sharp.bound.time_ps = std::max(item.bound.time_ps, desk.bounds->chain_time(core, scenario));
    return {sharp};
  }
  const std::vector<SearchVariant>& all = variants(desk);
  if (item.level == Level::variant) return {with_links(desk, item, all[item.id.variant])};
  std::vector<Item> out;
  for (std::uint32_t v = 0; v < all.size(); ++v) {
    space_.apply(all[v], scenario);
    SearchBound bound = item.bound;
    bound.memory_bytes = std::max(bound.memory_bytes, desk.bounds->variant_memory(core, scenario));
    if (bound.memory_bytes <= limit_) {
      bound.time_ps = std::max(bound.time_ps, desk.bounds->pipeline_time(core, scenario));
    }
    out.push_back({0.0, bound, {item.id.core, v}, Level::variant});
  }
  return out;
}

Item SearchWork::with_links(Desk& desk, const Item& item, const SearchVariant& variant) const {
  const SearchCore& core = cores_.list[item.id.core];
  Scenario& scenario = desk.scenario;
  space_.apply(variant, scenario);
  Item sharp = item;
  sharp.level = Level::shared;
  if (desk.bounds->memory_is_sharper(core, scenario)) {
    sharp.bound.memory_bytes =
        std::max(item.bound.memory_bytes, desk.bounds->memory(core, scenario));
  }
  if (sharp.bound.memory_bytes > limit_) return sharp;
  strategies::Plan plan = scenario.plan;  // as the simulation has it
  if (plan.zero == 0) plan.shard_group = plan.dp * plan.cp;
  const auto fleet = cache_.fleet(scenario, plan, true);
  sharp.bound.time_ps =
      std::max(item.bound.time_ps, desk.bounds->shared_time(core, scenario, *fleet));
  return sharp;
}

CandidateStrategy SearchWork::strategy_of(unsigned thread, Candidate id) {
  Desk& desk = desks_[thread];
  hold(desk, id.core);
  return {id, cores_.list[id.core], variants(desk)[id.variant]};
}

bool SearchWork::offloads_needlessly(unsigned thread, Candidate id) {
  Desk& desk = desks_[thread];
  return studies::offloads_needlessly(space_, strategy_of(thread, id), desk.scenario,
                                      desk.bounds.get());
}

Evaluation SearchWork::evaluate(const EvaluationTask& task) const {
  return studies::evaluate(space_, task, cache_);
}

}  // namespace studies
