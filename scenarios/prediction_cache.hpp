// What predictions of one cluster, model and set of faults have in common: the machine, and the
// fleets of plans that lay the same groups over it. Safe to use from many threads; what it returns
// does not depend on who asked first.
#pragma once

#include <array>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "scenarios/scenario.hpp"
#include "sim/machine.hpp"
#include "strategies/fleet.hpp"

namespace scenarios {

class PredictionCache {
 public:
  using FleetPtr = std::shared_ptr<const strategies::Fleet>;

  // kAll gives plans without offloading host links, too: plans that differ in nothing else share
  // a fleet. What is simulated is the same (docs/folding.md).
  enum class HostLinks : std::uint8_t { kNeeded, kAll };

  // Builds the machine, with the links that the scenario declares slow.
  explicit PredictionCache(const Scenario& scenario, HostLinks host_links = HostLinks::kNeeded);

  const sim::Machine& machine() const { return machine_; }
  // REQUIRES: model, cluster and faults of the scenario the cache was made for.
  FleetPtr fleet(const Scenario& scenario, const strategies::Plan& plan, bool fold);

 private:
  // All of a plan that decides who communicates with whom and how, whether folded; rank_order.
  using Key = std::pair<std::array<std::int64_t, 16>, std::string>;

  HostLinks host_links_;
  sim::Machine machine_;
  std::mutex mutex_;
  std::map<Key, std::shared_future<FleetPtr>> fleets_;
};

}  // namespace scenarios
