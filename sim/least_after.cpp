#include "sim/least_after.hpp"

#include <algorithm>

#include "sim/transfer_cost.hpp"

namespace sim {
namespace {

Time least_time(const TaskGraph& graph, TaskId id, const std::vector<double>& traffic_rate) {
  if (graph.kind(id) == TaskKind::compute) return graph.work(id);
  const double rate = capped_rate(traffic_rate[graph.traffic(id).index()], graph.rate_cap(id));
  const Time moving = time_to_move(graph.bytes(id), rate);
  return graph.work(id) + std::max(Time::zero(), moving - Time::ps(1));
}

}  // namespace

// From the last task to the first, because predecessors have smaller ids.
LeastAfter least_after(const IdVector<LinkId, Link>& links, const TaskGraph& graph,
                       std::span<const Time> left_out) {
  const std::vector<double> traffic_rate = quiet_rates(links, graph);
  LeastAfter out;
  out.after.resize(graph.size());
  for (std::size_t i = 0; i < left_out.size(); ++i)
    out.after[TaskId{graph.size() - left_out.size() + i}] = left_out[i];
  const auto leave = [&](TaskId from, Time time) {
    Time& least = from.valid() ? out.after[from] : out.whole;
    least = std::max(least, time);
  };
  for (std::size_t i = graph.size(); i-- > 0;) {
    const TaskId id{i};
    const Time from_start = least_time(graph, id, traffic_rate) + out.after[id];
    for (const TaskId predecessor : graph.predecessors(id)) leave(predecessor, from_start);
    const HostIssue& host = graph.host(id);
    leave(host.anchor, std::max(host.begin + from_start, host.end + out.after[id]));
  }
  return out;
}

}  // namespace sim
