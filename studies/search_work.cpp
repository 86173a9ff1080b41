#include "studies/search_work.hpp"

#include <algorithm>

#include "studies/search_evaluate.hpp"

namespace studies {

using scenarios::Scenario;

SearchWork::SearchWork(const SearchSpace& space, scenarios::PredictionCache& cache,
                       unsigned threads)
    : space_(space), cache_(cache), cores_(space.cores()), limit_(memory_limit(space.base())) {
  for (unsigned t = 0; t < threads; ++t) {
    desks_.push_back({std::make_unique<SearchBounds>(space, cache.machine()), space.base()});
  }
}

Scenario& SearchWork::hold(Desk& desk, std::uint32_t core) const {
  space_.apply(cores_.list[core], desk.scenario);
  return desk.scenario;
}

CoreBound SearchWork::bound(unsigned thread, std::uint32_t core) {
  Desk& desk = desks_[thread];
  Scenario& scenario = hold(desk, core);
  CoreBound out;
  out.bound = desk.bounds->core(cores_.list[core], scenario);
  out.variants = static_cast<std::uint32_t>(space_.variants(scenario).size());
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
  const std::vector<SearchVariant> variants = space_.variants(scenario);
  if (item.level == Level::variant) return {with_links(desk, item, variants[item.id.variant])};
  std::vector<Item> out;
  for (std::uint32_t v = 0; v < variants.size(); ++v) {
    space_.apply(variants[v], scenario);
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
  Scenario& scenario = hold(desks_[thread], id.core);
  return {id, cores_.list[id.core], space_.variants(scenario)[id.variant]};
}

bool SearchWork::offloads_needlessly(unsigned thread, Candidate id) {
  return studies::offloads_needlessly(space_, strategy_of(thread, id), desks_[thread].scenario);
}

Evaluation SearchWork::evaluate(const EvaluationTask& task) const {
  return studies::evaluate(space_, task, cache_);
}

}  // namespace studies
