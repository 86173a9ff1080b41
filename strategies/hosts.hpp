// When each rank's host gets to what it issues: its clock while operations become tasks.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "strategies/lower.hpp"

namespace strategies {

class Hosts {
 public:
  // `out` takes the tasks that stand for a host's waiting.
  Hosts(const Fleet& fleet, const Network& network, const Implementation& implementation,
        LoweredStep& out);

  // When the host has issued an operation. `computed`: the last task of the rank's compute stream,
  // invalid where there is none yet.
  sim::HostIssue issue(TaskOrigin origin, const Op& op, sim::TaskId computed);
  // The operation's task is known; the host goes on behind it where the operation says so.
  void issued(sim::RankId rank, OpIndex index, const Op& op, sim::TaskId task);
  // One more member of a collective, which starts when all hosts have issued it. The graph knows
  // one for each task: others become predecessors.
  void meet(std::optional<sim::HostIssue>& first, std::vector<sim::TaskId>& predecessors,
            TaskOrigin origin, const sim::HostIssue& host);

 private:
  struct Clock {
    sim::TaskId anchor;
    sim::Time since;        // the anchor
    bool computes = false;  // issued compute since the anchor
  };

  Clock& clock(sim::RankId rank) { return clocks_[rank.index()]; }
  sim::Time per_peer(const Group& group) const;
  bool is_issued_last(const Clock& clock, sim::TaskId task) const;
  sim::TaskId reached(TaskOrigin origin, std::span<const sim::TaskId> before,
                      const sim::HostIssue& host);

  const Fleet& fleet_;
  const Implementation& implementation_;
  LoweredStep& out_;
  bool per_peer_ = false;  // collectives cost the host time for each member
  std::vector<Clock> clocks_;
};

}  // namespace strategies
