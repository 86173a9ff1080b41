// What predictions of one cluster, model and set of faults have in common: the machine, and the
// fleets of plans that lay the same groups over it. Safe to use from many threads; what it returns
// does not depend on who asked first.
#pragma once

#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>

#include "scenarios/scenario.hpp"
#include "sim/machine.hpp"
#include "strategies/fleet.hpp"

namespace scenarios {

class PredictionCache {
 public:
  using FleetPtr = std::shared_ptr<const strategies::Fleet>;

  // Builds the machine, with the links that the scenario declares slow.
  explicit PredictionCache(const Scenario& scenario);

  const sim::Machine& machine() const { return machine_; }
  // REQUIRES: model, cluster and faults of the scenario the cache was made for.
  FleetPtr fleet(const Scenario& scenario, const strategies::Plan& plan, bool fold);

 private:
  // tp, cp, pp, ep, etp, dp, shard_group, messages between all pairs of cp, fold, rank_order.
  using Key = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                         std::int64_t, std::int64_t, bool, bool, std::string>;

  sim::Machine machine_;
  std::mutex mutex_;
  std::map<Key, std::shared_future<FleetPtr>> fleets_;
};

}  // namespace scenarios
