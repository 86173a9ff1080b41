#include "sim/simulate.hpp"

#include <algorithm>

#include "sim/contracts.hpp"
#include "sim/flow_engine.hpp"
#include "sim/laws.hpp"
#include "sim/transfer_cost.hpp"

namespace sim {
namespace {

// Every task ends when its predecessors, its host issue and its own work say: one pass, because
// predecessors have smaller ids.
Timeline pull(const IdVector<LinkId, Link>& links, const TaskGraph& graph) {
  const std::vector<double> traffic_rate = quiet_rates(links, graph);
  Timeline timeline;
  timeline.start.resize(graph.size());
  timeline.finish.resize(graph.size());
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const TaskId id{i};
    const HostIssue& host = graph.host(id);
    const Time issue = host.anchor.valid() ? timeline.finish[host.anchor] : Time::zero();
    Time start = issue + host.begin;
    for (const TaskId predecessor : graph.predecessors(id))
      start = std::max(start, timeline.finish[predecessor]);
    Time finish = start + graph.work(id);
    if (graph.kind(id) == TaskKind::transfer) {
      const double rate = capped_rate(traffic_rate[graph.traffic(id).index()], graph.rate_cap(id));
      finish += time_to_move(graph.bytes(id), rate);
    }
    timeline.start[id] = start;
    timeline.finish[id] = std::max(finish, issue + host.end);
    timeline.makespan = std::max(timeline.makespan, timeline.finish[id]);
  }
  timeline.events = graph.size();
  return timeline;
}

}  // namespace

Timeline simulate(const IdVector<LinkId, Link>& links, const TaskGraph& graph,
                  const SimulateOptions& options) {
  const bool alone = options.fidelity == Fidelity::analytic;
  SIM_EXPECTS(!alone || options.left_out.empty(), "an analytic graph is whole");
  Timeline timeline = alone ? pull(links, graph) : FlowEngine(links, graph, options).run();
  if (timeline.late || timeline.open || !options.check_laws) return timeline;
  check_causality(graph, timeline);
  if (!alone) check_link_totals(links, graph, timeline.makespan);
  return timeline;
}

}  // namespace sim
