// The `step` fidelity: a collective as every transfer of its schedule, each on its own route.
#pragma once

#include <map>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "strategies/lower.hpp"

namespace strategies {

class Expansion {
 public:
  Expansion(const Fleet& fleet, const Network& network, LoweredStep& out);

  // Appends the transfers of one collective; a member's sends of a round start when it has received
  // what the round before brought it. Returns the task that ends when all of it has.
  // REQUIRES: an unfolded fleet (every member is simulated).
  sim::TaskId collective(const Group& group, const Op& op, std::span<const sim::TaskId> before,
                         const sim::HostIssue& host, TaskOrigin origin);

 private:
  sim::TrafficId route(std::int64_t from, std::int64_t to);
  const collectives::Schedule& schedule(const Group& group, collectives::Kind kind,
                                        const collectives::Algorithm* algorithm);
  // A transfer of nothing: what follows waits for all before it.
  sim::TaskId nothing(const Group& group, std::span<const sim::TaskId> before,
                      const sim::HostIssue& host, TaskOrigin origin);

  const Fleet& fleet_;
  const Network& network_;
  LoweredStep& out_;
  std::map<std::pair<std::int64_t, std::int64_t>, sim::TrafficId> routes_;
  std::map<std::tuple<std::size_t, collectives::Kind, const collectives::Algorithm*>,
           collectives::Schedule>
      schedules_;
};

}  // namespace strategies
