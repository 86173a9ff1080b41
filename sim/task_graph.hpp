// The static task graph: what the engine executes.
//
// Tasks are appended in topological order (every predecessor has a smaller id), best in the order
// of time. Streams are not stored: whoever builds the graph makes the previous task of a stream a
// predecessor of the next one. Predecessors, participants and link uses are in compressed rows.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "sim/ids.hpp"
#include "sim/machine.hpp"
#include "sim/units.hpp"

namespace sim {

// Share of a transfer's bytes that crosses a link. The link a transfer loads most has weight 1.
// Weights are multiples of 2^-20 (see dyadic()), so that sums of weights are exact in a double and
// a class of k equal transfers on a link is bit-equal to one of weight k.
struct LinkUse {
  LinkId link;
  double weight = 1.0;
};

double dyadic(double weight);  // nearest multiple of 2^-20, at least 2^-20

// When the host can have issued a task: not before finish(anchor) + begin, and the task cannot end
// before finish(anchor) + end. anchor none = the start of the step. {none, 0, 0} = no host limit.
struct HostIssue {
  TaskId anchor;
  Time begin;
  Time end;
};

struct Transfer {
  std::span<const RankId> participants;  // simulated ranks whose compute the transfer slows
  TrafficId traffic;
  Bytes bytes;                 // carried by the link that is loaded most (weight 1)
  Time latency;                // before the first byte flows
  Bandwidth rate_cap;          // limit of the protocol, on a link of weight 1; 0 = none
  double compute_share = 0.0;  // part of each participant's compute rate it takes while it runs
};

// Transfers of one traffic with one rate cap: they always have the same rate.
struct FlowClass {
  std::span<const LinkUse> uses;  // distinct links, at least one
  double rate_cap = 0.0;          // bytes/s; 0 = none
};

enum class TaskKind : std::uint8_t { compute, transfer };

class TaskGraph {
 public:
  void reserve(std::size_t tasks);  // room for about as many
  TrafficId add_traffic(std::span<const LinkUse> uses);
  // REQUIRES: every predecessor was added before.
  TaskId add_compute(RankId rank, Time duration, std::span<const TaskId> predecessors,
                     const HostIssue& host);
  TaskId add_transfer(const Transfer& transfer, std::span<const TaskId> predecessors,
                      const HostIssue& host);

  std::size_t size() const { return tasks_.size(); }
  std::size_t rank_count() const { return rank_count_; }
  void prefetch(TaskId id) const { __builtin_prefetch(&tasks_[id.index()].host); }
  TaskKind kind(TaskId id) const { return task(id).kind; }
  Time work(TaskId id) const { return task(id).work; }  // duration, or a transfer's latency
  Bytes bytes(TaskId id) const { return task(id).bytes; }
  TrafficId traffic(TaskId id) const { return task(id).traffic; }
  double rate_cap(TaskId id) const { return task(id).rate_cap; }  // bytes/s, 0 = none
  double compute_share(TaskId id) const { return task(id).compute_share; }
  const HostIssue& host(TaskId id) const { return task(id).host; }
  std::span<const TaskId> predecessors(TaskId id) const {
    const std::span<const TaskId> all = awaited(id);
    return all.first(all.size() - (task(id).awaits_anchor ? 1 : 0));
  }
  // The same and the host's anchor, unless that follows from the first predecessor.
  std::span<const TaskId> awaited(TaskId id) const {
    return {awaited_.data() + awaited_begin_[id.index()],
            awaited_.data() + awaited_begin_[id.index() + 1]};
  }
  std::uint32_t successor_count(TaskId id) const { return successor_count_[id.index()]; }
  std::span<const RankId> participants(TaskId id) const {  // a compute task has one
    if (kind(id) == TaskKind::compute) return {&task(id).rank, 1};
    const std::size_t next = id.index() + 1;
    const std::size_t end = next < tasks_.size() ? tasks_[next].first_participant : part_.size();
    return {part_.data() + task(id).first_participant, part_.data() + end};
  }
  std::span<const LinkUse> link_uses(TrafficId id) const;
  std::size_t traffic_count() const { return use_begin_.size() - 1; }
  Bytes carried(TrafficId id) const { return carried_[id]; }  // by all of its transfers

  // None for what uses no links. Classes are numbered in order of first use; valid until the next
  // traffic or transfer is added.
  FlowClassId flow_class(TaskId id) const { return task(id).flow_class; }
  std::vector<FlowClass> flow_classes() const;
  bool takes_compute() const { return takes_compute_; }  // some transfer does

 private:
  // One record, because whoever reads one of its fields reads most of them.
  struct Task {
    Time work;
    Bytes bytes;
    double rate_cap = 0.0;
    double compute_share = 0.0;
    HostIssue host;
    TrafficId traffic;
    FlowClassId flow_class;
    RankId rank;                          // of a compute task
    std::uint32_t first_participant = 0;  // of a transfer
    TaskKind kind = TaskKind::compute;
    bool awaits_anchor = false;
  };

  const Task& task(TaskId id) const { return tasks_[id.index()]; }
  bool has_awaited(TaskId id, TaskId anchor) const {
    return id == anchor || task(id).host.anchor == anchor;
  }
  TaskId append(const Task& task, std::span<const TaskId> predecessors);
  void take_part(RankId rank);
  FlowClassId class_of(TrafficId traffic, double rate_cap);

  struct ClassKey {
    TrafficId traffic;
    double rate_cap = 0.0;
    auto operator<=>(const ClassKey&) const = default;
  };

  std::vector<Task> tasks_;
  // Apart, in compressed rows: whoever walks the edges reads nothing else.
  std::vector<std::uint32_t> awaited_begin_{0};
  std::vector<TaskId> awaited_;
  std::vector<std::uint32_t> successor_count_;
  std::vector<RankId> part_;
  std::vector<std::uint32_t> use_begin_{0};
  std::vector<LinkUse> use_;
  IdVector<TrafficId, Bytes> carried_;
  IdVector<FlowClassId, ClassKey> classes_;
  IdVector<TrafficId, FlowClassId> latest_class_;  // that a transfer of it had
  std::map<ClassKey, FlowClassId> class_of_;
  std::size_t rank_count_ = 0;
  bool takes_compute_ = false;
};

}  // namespace sim
