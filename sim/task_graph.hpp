// The static task graph: what the engine executes.
//
// Tasks are appended in topological order (every predecessor has a smaller id), best in the order
// of time. Streams are not stored: whoever builds the graph makes the previous task of a stream a
// predecessor of the next one. Structure of arrays; predecessors, participants and link uses in
// compressed rows.
#pragma once

#include <cstdint>
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

enum class TaskKind : std::uint8_t { compute, transfer };

class TaskGraph {
 public:
  void reserve(std::size_t tasks);  // room for about as many
  TrafficId add_traffic(std::span<const LinkUse> uses);
  // `tag` is opaque to the engine. REQUIRES: every predecessor was added before.
  TaskId add_compute(RankId rank, Time duration, std::span<const TaskId> predecessors,
                     HostIssue host, std::uint32_t tag);
  TaskId add_transfer(const Transfer& transfer, std::span<const TaskId> predecessors,
                      HostIssue host, std::uint32_t tag);

  std::size_t size() const { return kind_.size(); }
  std::size_t rank_count() const { return rank_count_; }
  TaskKind kind(TaskId id) const { return kind_[id.index()]; }
  Time work(TaskId id) const { return work_[id.index()]; }  // duration, or a transfer's latency
  Bytes bytes(TaskId id) const { return bytes_[id.index()]; }
  TrafficId traffic(TaskId id) const { return traffic_[id.index()]; }
  double rate_cap(TaskId id) const { return rate_cap_[id.index()]; }  // bytes/s, 0 = none
  double compute_share(TaskId id) const { return compute_share_[id.index()]; }
  const HostIssue& host(TaskId id) const { return host_[id.index()]; }
  std::uint32_t tag(TaskId id) const { return tag_[id.index()]; }
  std::span<const TaskId> predecessors(TaskId id) const;
  std::span<const RankId> participants(TaskId id) const;  // a compute task has one
  std::span<const LinkUse> link_uses(TrafficId id) const;
  std::size_t traffic_count() const { return use_begin_.size() - 1; }

 private:
  TaskId append(TaskKind kind, Time work, std::span<const TaskId> predecessors,
                std::span<const RankId> participants, HostIssue host, std::uint32_t tag);

  std::vector<TaskKind> kind_;
  std::vector<Time> work_;
  std::vector<Bytes> bytes_;
  std::vector<TrafficId> traffic_;
  std::vector<double> rate_cap_;
  std::vector<double> compute_share_;
  std::vector<HostIssue> host_;
  std::vector<std::uint32_t> tag_;
  std::vector<std::uint32_t> pred_begin_{0};
  std::vector<TaskId> pred_;
  std::vector<std::uint32_t> part_begin_{0};
  std::vector<RankId> part_;
  std::vector<std::uint32_t> use_begin_{0};
  std::vector<LinkUse> use_;
  std::size_t rank_count_ = 0;
};

}  // namespace sim
