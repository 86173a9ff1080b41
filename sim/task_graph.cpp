#include "sim/task_graph.hpp"

#include <algorithm>
#include <cmath>

#include "sim/contracts.hpp"

namespace sim {
namespace {

constexpr double kWeightUnit = 1.0 / 1'048'576.0;  // 2^-20
constexpr double kMostWeight = 4'294'967'296.0;    // 2^32: 52 bits in all, sums stay exact

bool is_dyadic(double weight) {
  const double units = weight / kWeightUnit;
  return weight > 0.0 && weight <= kMostWeight && units == std::floor(units);
}

std::uint32_t row_end(std::size_t size) {
  SIM_EXPECTS(size < 0xffff'ffffU, "a task graph holds fewer than 2^32 entries per table");
  return static_cast<std::uint32_t>(size);
}

}  // namespace

double dyadic(double weight) {
  return std::max(1.0, std::round(weight / kWeightUnit)) * kWeightUnit;
}

void TaskGraph::reserve(std::size_t tasks) {
  tasks_.reserve(tasks);
  awaited_begin_.reserve(tasks + 1);
  awaited_.reserve(2 * tasks);
  successor_count_.reserve(tasks);
  part_.reserve(tasks);
}

TrafficId TaskGraph::add_traffic(std::span<const LinkUse> uses) {
  const auto first = static_cast<std::ptrdiff_t>(use_.size());
  for (const LinkUse& use : uses) {
    SIM_EXPECTS(use.link.valid(), "a link use names a link");
    SIM_EXPECTS(is_dyadic(use.weight), "link weights are positive multiples of 2^-20");
    use_.push_back(use);
  }
  // Sorted, one entry a link: a route that crosses a link twice loads it with both weights.
  std::sort(use_.begin() + first, use_.end(),
            [](const LinkUse& a, const LinkUse& b) { return a.link < b.link; });
  auto last = use_.begin() + first;
  for (auto use = last; use != use_.end(); ++use) {
    if (last != use_.begin() + first && (last - 1)->link == use->link)
      (last - 1)->weight += use->weight;
    else
      *last++ = *use;
  }
  use_.erase(last, use_.end());
  use_begin_.push_back(row_end(use_.size()));
  latest_class_.push_back(FlowClassId::none());
  return carried_.push_back(Bytes{});
}

TaskId TaskGraph::append(const Task& task, std::span<const TaskId> predecessors) {
  const TaskId id{tasks_.size()};
  const HostIssue& host = task.host;
  SIM_EXPECTS(task.work >= Time::zero(), "a task takes no negative time");
  SIM_EXPECTS(!host.anchor.valid() || host.anchor < id, "a host anchor is an earlier task");
  SIM_EXPECTS(host.begin >= Time::zero() && host.end >= Time::zero(),
              "the host issues a task after its anchor");
  for (const TaskId predecessor : predecessors)
    SIM_EXPECTS(predecessor < id, "every predecessor was added before");
  tasks_.push_back(task);
  tasks_.back().first_participant = row_end(part_.size());
  awaited_.insert(awaited_.end(), predecessors.begin(), predecessors.end());
  if (host.anchor.valid() &&
      (predecessors.empty() || !has_awaited(predecessors.front(), host.anchor))) {
    tasks_.back().awaits_anchor = true;
    awaited_.push_back(host.anchor);
  }
  awaited_begin_.push_back(row_end(awaited_.size()));
  successor_count_.push_back(0);
  for (const TaskId from : awaited(id)) ++successor_count_[from.index()];
  return id;
}

void TaskGraph::take_part(RankId rank) {
  SIM_EXPECTS(rank.valid(), "a participant is a rank");
  rank_count_ = std::max(rank_count_, rank.index() + 1);
}

TaskId TaskGraph::add_compute(RankId rank, Time duration, std::span<const TaskId> predecessors,
                              const HostIssue& host) {
  take_part(rank);
  Task task;
  task.work = duration;
  task.host = host;
  task.rank = rank;
  return append(task, predecessors);
}

TaskId TaskGraph::add_transfer(const Transfer& transfer, std::span<const TaskId> predecessors,
                               const HostIssue& host) {
  SIM_EXPECTS(transfer.traffic.index() < traffic_count(), "a transfer names a known traffic");
  SIM_EXPECTS(transfer.bytes >= Bytes{}, "a transfer carries no negative bytes");
  SIM_EXPECTS(transfer.rate_cap >= Bandwidth{}, "a rate cap is not negative");
  SIM_EXPECTS(transfer.compute_share >= 0.0 && transfer.compute_share <= 1.0,
              "a compute share is a fraction");
  Task task;
  task.kind = TaskKind::transfer;
  task.work = transfer.latency;
  task.bytes = transfer.bytes;
  task.rate_cap = transfer.rate_cap.bytes_per_second();
  task.compute_share = transfer.compute_share;
  task.host = host;
  task.traffic = transfer.traffic;
  task.flow_class = class_of(transfer.traffic, task.rate_cap);
  carried_[transfer.traffic] += transfer.bytes;
  takes_compute_ = takes_compute_ || transfer.compute_share > 0.0;
  const TaskId id = append(task, predecessors);
  for (const RankId rank : transfer.participants) {
    take_part(rank);
    part_.push_back(rank);
  }
  return id;
}

FlowClassId TaskGraph::class_of(TrafficId traffic, double rate_cap) {
  if (link_uses(traffic).empty()) return FlowClassId::none();
  FlowClassId& latest = latest_class_[traffic];
  if (latest.valid() && classes_[latest].rate_cap == rate_cap) return latest;
  const ClassKey key{traffic, rate_cap};
  const auto [known, is_new] = class_of_.try_emplace(key, FlowClassId{classes_.size()});
  if (is_new) classes_.push_back(key);
  return latest = known->second;
}

std::vector<FlowClass> TaskGraph::flow_classes() const {
  std::vector<FlowClass> out;
  out.reserve(classes_.size());
  for (const ClassKey& key : classes_) out.push_back({link_uses(key.traffic), key.rate_cap});
  return out;
}

std::span<const LinkUse> TaskGraph::link_uses(TrafficId id) const {
  return {use_.data() + use_begin_[id.index()], use_.data() + use_begin_[id.index() + 1]};
}

}  // namespace sim
