// What FlowEngine derives from the graph before the first event.
#include "sim/flow_engine.hpp"

namespace sim {

FlowEngine::FlowEngine(const IdVector<LinkId, Link>& links, const TaskGraph& graph,
                       const SimulateOptions& options)
    : graph_(graph),
      options_(options),
      interference_(options.interference && graph.takes_compute()),
      left_out_(graph.size() - options.left_out.size()),
      tasks_(graph.size()),
      pending_(graph.size(), 0),
      ranks_(graph.rank_count()),
      flow_classes_(graph.flow_classes()),
      flows_(flow_classes_.size()),
      shares_(links, flow_classes_) {
  for (RankState& rank : ranks_) rank.running.rate = 1.0;
  for (RateList& flow : flows_) flow.unit = 1e12;
  timeline_.start.resize(graph.size());
  timeline_.finish.resize(graph.size());
  index_successors();
  if (!options.deadline) return;
  least_ = least_after(links, graph, options.left_out);
  timeline_.late = least_.whole > *options.deadline;
}

// Successors in compressed rows by counting sort.
void FlowEngine::index_successors() {
  successor_begin_.assign(graph_.size() + 2, 0);
  for (std::size_t i = 0; i < graph_.size(); ++i)
    successor_begin_[i + 2] = successor_begin_[i + 1] + graph_.successor_count(TaskId{i});
  successors_.resize(successor_begin_.back());
  for (std::size_t i = 0; i < graph_.size(); ++i) {
    const std::span<const TaskId> awaited = graph_.awaited(TaskId{i});
    pending_[i] = static_cast<std::uint32_t>(awaited.size());
    for (const TaskId from : awaited)
      successors_[successor_begin_[from.index() + 1]++] = static_cast<std::uint32_t>(i);
  }
}

}  // namespace sim
