#include "studies/search_work.hpp"

#include <algorithm>

#include "strategies/schedule.hpp"
#include "studies/search_prices.hpp"

namespace studies {

using scenarios::Scenario;

namespace {

// So that no thread is left with a large one at the end: a tenth of a second.
constexpr std::size_t kMostOfBlock = 16'384;

}  // namespace

SearchWork::SearchWork(const SearchSpace& space, scenarios::PredictionCache& cache,
                       unsigned threads, const SearchSpace::Stop& stop)
    : space_(space),
      cache_(cache),
      cores_(space.cores(threads, kMostCores, stop)),
      limit_(memory_limit(space.base())) {
  for (unsigned t = 0; t < threads; ++t) {
    desks_.push_back({std::make_unique<SearchBounds>(space, cache.machine()), space.base(), {}});
  }
}

Scenario& SearchWork::hold(Desk& desk, std::uint32_t core) const {
  space_.apply(cores_.list[core], desk.scenario);
  return desk.scenario;
}

const std::vector<SearchVariant>& SearchWork::variants(Desk& desk, std::uint32_t core) const {
  const auto [entry, is_new] =
      desk.variants.try_emplace(space_.variant_key(cores_.list[core], desk.scenario));
  if (is_new) entry->second = space_.variants(desk.scenario);
  return entry->second;
}

std::vector<std::size_t> SearchWork::core_blocks(std::size_t begin, std::size_t end) const {
  const std::size_t inner = space_.inner_dimensions();
  std::vector<std::size_t> out;
  for (std::size_t c = begin; c < end; ++c) {
    const bool begins = c == begin || !cores_.list.agree(c - 1, c, inner);
    if (begins || c == out.back() + kMostOfBlock) out.push_back(c);
  }
  out.push_back(end);
  return out;
}

CoreBound SearchWork::bound(unsigned thread, std::uint32_t core) {
  Desk& desk = desks_[thread];
  Scenario& scenario = hold(desk, core);
  CoreBound out;
  out.bound = desk.bounds->core(cores_.list[core], scenario);
  out.variants = static_cast<std::uint32_t>(variants(desk, core).size());
  return out;
}

std::vector<Item> SearchWork::sharpened(unsigned thread, const Item& item) {
  if (item.level == kSharpest) return {item};
  Desk& desk = desks_[thread];
  const SearchCore core = cores_.list[item.id.core];
  Scenario& scenario = hold(desk, item.id.core);
  if (item.level == Level::core) {
    Item sharp = item;
    sharp.level = Level::chain;
    sharp.bound.time_ps = std::max(item.bound.time_ps, desk.bounds->chain_time(core, scenario));
    return {sharp};
  }
  if (item.level == Level::variant) return {with_links(desk, item)};
  const std::vector<SearchVariant>& all = variants(desk, item.id.core);
  std::vector<Item> out;
  for (std::uint32_t v = 0; v < all.size(); ++v) {
    space_.apply(all[v], scenario);
    SearchBound bound = item.bound;
    bound.memory_bytes = std::max(bound.memory_bytes, desk.bounds->variant_memory(core, scenario));
    if (bound.memory_bytes <= limit_) {
      bound.time_ps =
          std::max(bound.time_ps, desk.bounds->pipeline_time(core, scenario, item.enough_ps));
    }
    out.push_back({0.0, bound, {item.id.core, v}, Level::variant});
  }
  return out;
}

strategies::Plan SearchWork::plan_of(Desk& desk, Candidate id) const {
  Scenario& scenario = hold(desk, id.core);
  space_.apply(variants(desk, id.core)[id.variant], scenario);
  strategies::Plan plan = scenario.plan;
  if (plan.zero == 0) plan.shard_group = plan.dp * plan.cp;
  return plan;
}

// What PredictionCache tells fleets apart by, where all have links to the host.
std::uint64_t SearchWork::placement(Candidate id) {
  const strategies::Plan plan = plan_of(desks_.front(), id);
  std::vector<std::int64_t> numbers{plan.tp,
                                    plan.cp,
                                    plan.pp,
                                    plan.ep,
                                    plan.etp,
                                    plan.dp,
                                    plan.shard_group,
                                    plan.secondary_shard,
                                    plan.gather_group,
                                    static_cast<std::int64_t>(plan.cp_type),
                                    plan.cp_ulysses,
                                    static_cast<std::int64_t>(plan.ep_dispatch),
                                    strategies::holds_two_copies(plan.schedule) ? 1 : 0};
  numbers.insert(numbers.end(), plan.rank_order.begin(), plan.rank_order.end());
  return hash_of(numbers) | 1;
}

void SearchWork::lay_out(unsigned thread, Candidate id) {
  Desk& desk = desks_[thread];
  const strategies::Plan plan = plan_of(desk, id);
  cache_.fleet(desk.scenario, plan, true);
}

std::size_t SearchWork::simulated_ranks(Candidate id) {
  Desk& desk = desks_.front();
  const strategies::Plan plan = plan_of(desk, id);
  return cache_.fleet(desk.scenario, plan, true)->ranks.size();
}

Item SearchWork::with_links(Desk& desk, const Item& item) const {
  const SearchCore core = cores_.list[item.id.core];
  const strategies::Plan plan = plan_of(desk, item.id);
  const Scenario& scenario = desk.scenario;
  Item sharp = item;
  sharp.level = Level::shared;
  if (desk.bounds->memory_is_sharper(core, scenario)) {
    sharp.bound.memory_bytes =
        std::max(item.bound.memory_bytes, desk.bounds->memory(core, scenario));
  }
  if (sharp.bound.memory_bytes > limit_) return sharp;
  const auto fleet = cache_.fleet(scenario, plan, true);
  sharp.bound.time_ps =
      std::max(item.bound.time_ps, desk.bounds->shared_time(core, scenario, *fleet));
  return sharp;
}

CandidateStrategy SearchWork::strategy_of(unsigned thread, Candidate id) {
  Desk& desk = desks_[thread];
  hold(desk, id.core);
  return {id, cores_.list[id.core], variants(desk, id.core)[id.variant]};
}

bool SearchWork::offloads_needlessly(unsigned thread, Candidate id) {
  Desk& desk = desks_[thread];
  return studies::offloads_needlessly(space_, strategy_of(thread, id), desk.scenario,
                                      desk.bounds.get(), &fits_);
}

Evaluation SearchWork::evaluate(unsigned thread, const EvaluationTask& task) {
  Desk& desk = desks_[thread];
  const Bounding bounding{*desk.bounds, desk.scenario};
  const Evaluation out = studies::evaluate(space_, task, cache_, &bounding);
  keep_fit(task.strategy, out.fits);
  return out;
}

void SearchWork::keep_fit(const CandidateStrategy& strategy, bool fits) {
  fits_.keep({strategy.core, strategy.variant}, fits);
}

}  // namespace studies
