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

template <class T>
std::span<const T> row(const std::vector<T>& items, const std::vector<std::uint32_t>& begin,
                       std::size_t index) {
  return {items.data() + begin[index], items.data() + begin[index + 1]};
}

}  // namespace

double dyadic(double weight) {
  return std::max(1.0, std::round(weight / kWeightUnit)) * kWeightUnit;
}

void TaskGraph::reserve(std::size_t tasks) {
  kind_.reserve(tasks);
  work_.reserve(tasks);
  bytes_.reserve(tasks);
  traffic_.reserve(tasks);
  rate_cap_.reserve(tasks);
  compute_share_.reserve(tasks);
  host_.reserve(tasks);
  tag_.reserve(tasks);
  pred_begin_.reserve(tasks + 1);
  pred_.reserve(2 * tasks);
  part_begin_.reserve(tasks + 1);
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
  return TrafficId{use_begin_.size() - 2};
}

TaskId TaskGraph::append(TaskKind kind, Time work, std::span<const TaskId> predecessors,
                         std::span<const RankId> participants, HostIssue host, std::uint32_t tag) {
  const TaskId id{kind_.size()};
  SIM_EXPECTS(work >= Time::zero(), "a task takes no negative time");
  SIM_EXPECTS(!host.anchor.valid() || host.anchor < id, "a host anchor is an earlier task");
  SIM_EXPECTS(host.begin >= Time::zero() && host.end >= Time::zero(),
              "the host issues a task after its anchor");
  for (const TaskId predecessor : predecessors)
    SIM_EXPECTS(predecessor < id, "every predecessor was added before");
  kind_.push_back(kind);
  work_.push_back(work);
  host_.push_back(host);
  tag_.push_back(tag);
  pred_.insert(pred_.end(), predecessors.begin(), predecessors.end());
  pred_begin_.push_back(row_end(pred_.size()));
  for (const RankId rank : participants) {
    SIM_EXPECTS(rank.valid(), "a participant is a rank");
    part_.push_back(rank);
    rank_count_ = std::max(rank_count_, rank.index() + 1);
  }
  part_begin_.push_back(row_end(part_.size()));
  return id;
}

TaskId TaskGraph::add_compute(RankId rank, Time duration, std::span<const TaskId> predecessors,
                              HostIssue host, std::uint32_t tag) {
  const TaskId id = append(TaskKind::compute, duration, predecessors, {&rank, 1}, host, tag);
  bytes_.push_back(Bytes{});
  traffic_.push_back(TrafficId::none());
  rate_cap_.push_back(0.0);
  compute_share_.push_back(0.0);
  return id;
}

TaskId TaskGraph::add_transfer(const Transfer& transfer, std::span<const TaskId> predecessors,
                               HostIssue host, std::uint32_t tag) {
  SIM_EXPECTS(transfer.traffic.index() < traffic_count(), "a transfer names a known traffic");
  SIM_EXPECTS(transfer.bytes >= Bytes{}, "a transfer carries no negative bytes");
  SIM_EXPECTS(transfer.rate_cap >= Bandwidth{}, "a rate cap is not negative");
  SIM_EXPECTS(transfer.compute_share >= 0.0 && transfer.compute_share <= 1.0,
              "a compute share is a fraction");
  const TaskId id =
      append(TaskKind::transfer, transfer.latency, predecessors, transfer.participants, host, tag);
  bytes_.push_back(transfer.bytes);
  traffic_.push_back(transfer.traffic);
  rate_cap_.push_back(transfer.rate_cap.bytes_per_second());
  compute_share_.push_back(transfer.compute_share);
  return id;
}

std::span<const TaskId> TaskGraph::predecessors(TaskId id) const {
  return row(pred_, pred_begin_, id.index());
}

std::span<const RankId> TaskGraph::participants(TaskId id) const {
  return row(part_, part_begin_, id.index());
}

std::span<const LinkUse> TaskGraph::link_uses(TrafficId id) const {
  return row(use_, use_begin_, id.index());
}

}  // namespace sim
