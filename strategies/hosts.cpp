#include "strategies/hosts.hpp"

#include <algorithm>

#include "sim/machine.hpp"

namespace strategies {
namespace {

using sim::TaskId;

bool launches_per_peer(const Fleet& fleet, const Network& network, PeerLaunches when) {
  if (when != PeerLaunches::pipelines) return when == PeerLaunches::always;
  const bool stages = std::any_of(fleet.ranks.begin(), fleet.ranks.end(),
                                  [](const SimulatedRank& rank) { return rank.stage > 0; });
  const auto& devices = network.machine->devices;
  const sim::DeviceId last{static_cast<std::size_t>(fleet.world - 1)};
  return stages && devices[last].nvlink_domain != devices[sim::DeviceId{0}].nvlink_domain;
}

}  // namespace

Hosts::Hosts(const Fleet& fleet, const Network& network, const Implementation& implementation,
             LoweredStep& out)
    : fleet_(fleet),
      implementation_(implementation),
      out_(out),
      per_peer_(launches_per_peer(fleet, network, implementation.peer_launches)),
      clocks_(fleet.ranks.size()) {}

sim::HostIssue Hosts::issue(TaskOrigin origin, const Op& op, TaskId computed) {
  if (!implementation_.host_limits) return {};
  Clock& c = clock(origin.rank);
  if (op.kind == OpKind::collective && op.host_waits && c.computes) {
    const bool last = is_issued_last(c, computed);
    c = {
        last ? computed : reached(origin, {&computed, 1}, {c.anchor, c.since, c.since}), {}, false};
  }
  // What a CUDA graph replays is not issued.
  if (per_peer_ && op.kind == OpKind::collective && op.host > sim::Time::zero()) {
    c.since += per_peer(*fleet_.group(origin.rank, op.group));
  }
  // Compute starts with its first kernel; a collective is one that its call launches at the end.
  const bool kernels = op.kind == OpKind::compute;
  const sim::Time first = kernels ? std::min(op.host, implementation_.kernels.launch) : op.host;
  const sim::HostIssue out{c.anchor, c.since + first, c.since + op.host};
  c.since += op.host;
  return out;
}

// A message may have arrived before the host is through with what it has issued; what the host
// issues itself ends no earlier.
void Hosts::issued(sim::RankId rank, OpIndex index, const Op& op, TaskId task) {
  Clock& c = clock(rank);
  if (op.stream == Stream::compute) c.computes = true;
  if (!op.host_waits) return;
  if (implementation_.host_limits && op.kind == OpKind::receive && !is_issued_last(c, task)) {
    task = reached({rank, index}, {&task, 1}, {c.anchor, c.since, c.since});
  }
  c = {task, {}, false};
}

void Hosts::meet(std::optional<sim::HostIssue>& first, std::vector<TaskId>& predecessors,
                 TaskOrigin origin, const sim::HostIssue& host) {
  if (!first) {
    first = host;
  } else if (first->anchor == host.anchor) {
    first->begin = std::max(first->begin, host.begin);
    first->end = std::max(first->end, host.end);
  } else {
    predecessors.push_back(reached(origin, {}, host));
  }
}

sim::Time Hosts::per_peer(const Group& group) const {
  const std::vector<std::uint32_t>& domain = fleet_.shapes[group.shape].domain;
  const bool inside = std::count(domain.begin(), domain.end(), domain.front()) ==
                      static_cast<std::ptrdiff_t>(domain.size());
  return (inside ? implementation_.peer_launch : implementation_.inter_node_peer_launch) *
         static_cast<std::int64_t>(domain.size());
}

// A task ends no earlier than the host is through with issuing it.
bool Hosts::is_issued_last(const Clock& clock, TaskId task) const {
  const sim::HostIssue& host = out_.graph.host(task);
  return host.anchor == clock.anchor && host.end >= clock.since;
}

// When the host has come to a point, and what it waits for there has finished.
TaskId Hosts::reached(TaskOrigin origin, std::span<const TaskId> before,
                      const sim::HostIssue& host) {
  out_.origins.push_back(origin);
  return out_.graph.add_compute(origin.rank, sim::Time::zero(), before, host);
}

}  // namespace strategies
