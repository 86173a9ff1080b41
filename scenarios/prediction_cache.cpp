#include "scenarios/prediction_cache.hpp"

#include <optional>

#include "strategies/low_precision.hpp"
#include "strategies/schedule.hpp"
#include "topologies/cluster.hpp"
#include "topologies/layout.hpp"

namespace scenarios {
namespace {

// Links the scenario declares slow lose capacity; a pattern that no link matches was refused by the
// reader.
void slow_links(sim::Machine& machine, const strategies::Faults& faults) {
  for (const auto& slow : faults.slow_links) {
    for (const sim::LinkId link : topologies::find_links(machine, slow.link)) {
      machine.links[link].capacity = machine.links[link].capacity * (1.0 / slow.factor);
      machine.links[link].slowdown *= slow.factor;
    }
  }
}

}  // namespace

PredictionCache::PredictionCache(const Scenario& scenario, HostLinks host_links)
    : host_links_(host_links), machine_(topologies::build_machine(scenario.cluster)) {
  slow_links(machine_, scenario.faults);
}

PredictionCache::FleetPtr PredictionCache::fleet(const Scenario& scenario,
                                                 const strategies::Plan& plan, bool fold) {
  if (host_links_ == HostLinks::kAll && !plan.offload.any()) {
    strategies::Plan offloading = plan;
    offloading.offload.optimizer = 1.0;  // what and how much it is makes no difference here
    return fleet(scenario, offloading, fold);
  }
  const auto amax = strategies::amax_group(scenario.training);
  const Key key{{plan.tp, plan.cp, plan.pp, plan.ep, plan.etp, plan.dp, plan.shard_group,
                 plan.secondary_shard, plan.gather_group, static_cast<std::int64_t>(plan.cp_type),
                 plan.cp_ulysses, static_cast<std::int64_t>(plan.ep_dispatch),
                 plan.offload.any() ? 1 : 0, amax ? 1 + static_cast<std::int64_t>(*amax) : 0,
                 strategies::holds_two_copies(plan.schedule) ? 1 : 0, fold ? 1 : 0},
                plan.rank_order};
  std::promise<FleetPtr> promise;
  const std::shared_future<FleetPtr> own = promise.get_future().share();
  std::optional<std::shared_future<FleetPtr>> known;
  {
    const std::lock_guard lock(mutex_);
    const auto [entry, is_new] = fleets_.try_emplace(key, own);
    if (!is_new) known = entry->second;
  }
  if (known) return known->get();
  try {
    const auto make = fold ? &strategies::folded_fleet : &strategies::full_fleet;
    auto fleet = std::make_shared<const strategies::Fleet>(
        make(scenario.model, scenario.training, plan, scenario.faults, machine_));
    promise.set_value(fleet);
    return fleet;
  } catch (...) {
    promise.set_exception(std::current_exception());
    throw;
  }
}

}  // namespace scenarios
