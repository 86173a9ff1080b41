// What FlowEngine derives from the graph before the first event: successors and flow classes.
#include <map>
#include <utility>

#include "sim/flow_engine.hpp"

namespace sim {

FlowEngine::FlowEngine(const IdVector<LinkId, Link>& links, const TaskGraph& graph,
                       const SimulateOptions& options)
    : graph_(graph),
      options_(options),
      interference_(options.interference && has_interference()),
      tasks_(graph.size()),
      pending_(graph.size(), 0),
      ranks_(graph.rank_count()),
      flow_classes_(make_flow_classes()),
      flows_(flow_classes_.size()),
      fair_share_(links, flow_classes_) {
  for (RankState& rank : ranks_) rank.running.rate = 1.0;
  for (RateList& flow : flows_) flow.unit = 1e12;
  timeline_.start.resize(graph.size());
  timeline_.finish.resize(graph.size());
  index_successors();
  if (!options.deadline) return;
  least_ = least_after(links, graph);
  timeline_.late = least_.whole > *options.deadline;
}

bool FlowEngine::has_interference() const {
  for (std::size_t i = 0; i < graph_.size(); ++i)
    if (graph_.compute_share(TaskId{i}) > 0.0) return true;
  return false;
}

// Successors in compressed rows by counting sort. A host anchor counts as a predecessor.
void FlowEngine::index_successors() {
  const auto for_each_edge = [&](auto&& visit) {
    for (std::size_t i = 0; i < graph_.size(); ++i) {
      const TaskId id{i};
      for (const TaskId predecessor : graph_.predecessors(id)) visit(predecessor.index(), i);
      if (graph_.host(id).anchor.valid()) visit(graph_.host(id).anchor.index(), i);
    }
  };
  successor_begin_.assign(graph_.size() + 2, 0);
  for_each_edge([&](std::size_t from, std::size_t to) {
    ++successor_begin_[from + 2];
    ++pending_[to];
  });
  for (std::size_t i = 2; i < successor_begin_.size(); ++i)
    successor_begin_[i] += successor_begin_[i - 1];
  successors_.resize(successor_begin_.back());
  for_each_edge([&](std::size_t from, std::size_t to) {
    successors_[successor_begin_[from + 1]++] = static_cast<std::uint32_t>(to);
  });
}

// One class for each (traffic, cap) that occurs, in order of first use.
std::vector<FlowClass> FlowEngine::make_flow_classes() {
  std::vector<FlowClass> classes;
  std::vector<std::uint32_t> latest(graph_.traffic_count(), kNone);  // class last seen
  std::map<std::pair<TrafficId, double>, std::uint32_t> known;
  for (std::size_t i = 0; i < graph_.size(); ++i) {
    const TaskId id{i};
    const TrafficId traffic = graph_.traffic(id);
    if (!traffic.valid() || graph_.link_uses(traffic).empty()) continue;
    const double cap = graph_.rate_cap(id);
    std::uint32_t& index = latest[traffic.index()];
    if (index == kNone || classes[index].rate_cap != cap) {
      const auto fresh = static_cast<std::uint32_t>(classes.size());
      index = known.try_emplace({traffic, cap}, fresh).first->second;
      if (index == fresh) classes.push_back(FlowClass{graph_.link_uses(traffic), cap});
    }
    tasks_[i].flow_class = index;
  }
  return classes;
}

}  // namespace sim
