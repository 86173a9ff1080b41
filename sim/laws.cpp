#include "sim/laws.hpp"

#include "sim/contracts.hpp"
#include "sim/transfer_cost.hpp"

namespace sim {

void check_causality(const TaskGraph& graph, const Timeline& timeline) {
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const TaskId id{i};
    const Time start = timeline.start[id];
    const HostIssue& host = graph.host(id);
    const Time issue = host.anchor.valid() ? timeline.finish[host.anchor] : Time::zero();
    for (const TaskId predecessor : graph.predecessors(id))
      SIM_EXPECTS(start >= timeline.finish[predecessor], "a task starts after its predecessors");
    SIM_EXPECTS(start >= issue + host.begin, "a task starts after the host has issued it");
    SIM_EXPECTS(timeline.finish[id] >= issue + host.end, "a task ends after its last launch");
    SIM_EXPECTS(timeline.finish[id] >= start + graph.work(id), "a task takes its work");
    SIM_EXPECTS(timeline.finish[id] <= timeline.makespan, "no task outlives the makespan");
  }
}

void check_link_totals(const IdVector<LinkId, Link>& links, const TaskGraph& graph, Time makespan) {
  const std::vector<double> carried = total_link_bytes(links.size(), graph);
  for (std::size_t i = 0; i < links.size(); ++i) {
    const double most = links[LinkId{i}].capacity.bytes_per_second() * makespan.seconds();
    SIM_EXPECTS(carried[i] <= most * (1.0 + 1e-9), "no link carried over capacity");
  }
}

}  // namespace sim
