#include "sim/flow_engine.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "sim/contracts.hpp"

namespace sim {
namespace {

constexpr double kShareUnit = 1.0 / 1'073'741'824.0;  // 2^-30: sums of compute shares are exact

std::int64_t share_units(double share) { return std::llround(share / kShareUnit); }

double compute_rate(std::int64_t taken) {
  return std::max(kLeastComputeRate, 1.0 - static_cast<double>(taken) * kShareUnit);
}

}  // namespace

Timeline FlowEngine::run() {
  for (std::uint32_t task = 0; task < tasks_.size(); ++task)
    if (pending_[task] == 0 && tasks_[task].phase == Phase::waiting) make_ready(task);
  end_instant();
  while (!queue_.empty() && !timeline_.late && !timeline_.open) {
    now_ = Time::ps(queue_.advance());
    while (queue_.has_current()) on_event(queue_.pop());
    end_instant();
  }
  if (timeline_.late || timeline_.open) return std::move(timeline_);
  for (const TaskState& task : tasks_)
    SIM_EXPECTS(task.phase == Phase::done, "every task has finished");
  return std::move(timeline_);
}

void FlowEngine::on_event(const RadixHeap<std::uint32_t>::Item& item) {
  const std::uint32_t task = item.value;
  TaskState& state = tasks_[task];
  if (state.expected != item.key) return;  // outdated: its rate changed since
  state.expected = -1;
  ++timeline_.events;
  switch (state.phase) {
    case Phase::issued:
      return begin(task);
    case Phase::latency:
      return begin_bytes(task);
    case Phase::running:
    case Phase::moving:
    case Phase::ending:
      return work_done(task);
    case Phase::held:
      return finish(task);
    case Phase::waiting:
    case Phase::done:
      break;
  }
  SIM_EXPECTS(false, "a task that waits or is done has no event");
}

Time FlowEngine::anchored(std::uint32_t task, Time HostIssue::*offset) const {
  const HostIssue& host = graph_.host(TaskId{task});
  return (host.anchor.valid() ? timeline_.finish[host.anchor] : Time::zero()) + host.*offset;
}

void FlowEngine::make_ready(std::uint32_t task) {
  if (task >= left_out_) {
    timeline_.open = true;
    return;
  }
  const Time issue = anchored(task, &HostIssue::begin);
  if (issue <= now_) return begin(task);
  if (!interference_ && graph_.kind(TaskId{task}) == TaskKind::compute)
    return begin_fixed(task, issue);
  tasks_[task].phase = Phase::issued;
  expect(task, issue);
}

void FlowEngine::begin(std::uint32_t task) {
  const TaskId id{task};
  const Time work = graph_.work(id);
  timeline_.start[id] = now_;
  if (graph_.kind(id) == TaskKind::transfer) {
    take_compute(task, +1);
    if (work == Time::zero()) return begin_bytes(task);
    tasks_[task].phase = Phase::latency;
    return expect(task, now_ + work);
  }
  if (work == Time::zero()) return work_done(task);
  if (interference_) return begin_compute(task);
  begin_fixed(task, now_);
}

// A compute task that nothing slows: its end is known now, even before the host issues it.
void FlowEngine::begin_fixed(std::uint32_t task, Time start) {
  const TaskId id{task};
  timeline_.start[id] = start;
  tasks_[task].phase = Phase::ending;
  expect(task, std::max(start + graph_.work(id), anchored(task, &HostIssue::end)));
}

void FlowEngine::begin_compute(std::uint32_t task) {
  TaskState& state = tasks_[task];
  state.phase = Phase::running;
  state.remaining = static_cast<double>(graph_.work(TaskId{task}).count());
  state.updated = now_.count();
  link_in(rank_of(task).running, task);
  new_computes_.push_back(task);
}

void FlowEngine::begin_bytes(std::uint32_t task) {
  const TaskId id{task};
  TaskState& state = tasks_[task];
  const Bytes bytes = graph_.bytes(id);
  if (bytes == Bytes{}) return work_done(task);
  const FlowClassId flow = graph_.flow_class(id);
  if (!flow.valid()) {
    if (graph_.rate_cap(id) == 0.0) return work_done(task);
    state.phase = Phase::ending;
    return expect(task, now_ + bytes / Bandwidth{graph_.rate_cap(id)});
  }
  state.phase = Phase::moving;
  state.remaining = bytes.as_double();
  state.updated = now_.count();
  link_in(flows_[flow], task);
  shares_.add(flow);
  new_flows_.push_back(task);
}

// The bytes have arrived, or the compute has run. The host may still hold back the end.
void FlowEngine::work_done(std::uint32_t task) {
  TaskState& state = tasks_[task];
  if (state.phase == Phase::running) {
    unlink(rank_of(task).running, task);
  } else if (state.phase == Phase::moving) {
    const FlowClassId flow = graph_.flow_class(TaskId{task});
    if (options_.check_laws) check_moved(state, flows_[flow]);
    unlink(flows_[flow], task);
    shares_.remove(flow);
  }
  take_compute(task, -1);
  const Time last_launch = anchored(task, &HostIssue::end);
  if (last_launch <= now_) return finish(task);
  state.phase = Phase::held;
  expect(task, last_launch);
}

void FlowEngine::finish(std::uint32_t task) {
  tasks_[task].phase = Phase::done;
  timeline_.finish[TaskId{task}] = now_;
  timeline_.makespan = now_;
  if (options_.deadline && now_ + least_.after[TaskId{task}] > *options_.deadline)
    timeline_.late = true;
  finished_.push_back(task);
  if (finished_.size() > 1) return;  // the caller below is at work on this list
  for (std::size_t i = 0; i < finished_.size(); ++i) {
    const std::uint32_t from = finished_[i];
    for (std::uint32_t e = successor_begin_[from]; e < successor_begin_[from + 1]; ++e)
      if (--pending_[successors_[e]] == 0) make_ready(successors_[e]);
  }
  finished_.clear();
}

void FlowEngine::take_compute(std::uint32_t task, std::int64_t sign) {
  if (!interference_) return;
  const double share = graph_.compute_share(TaskId{task});
  if (share == 0.0) return;
  for (const RankId id : graph_.participants(TaskId{task})) {
    RankState& rank = ranks_[id];
    rank.taken += sign * share_units(share);
    if (rank.dirty) continue;
    rank.dirty = true;
    dirty_ranks_.push_back(id);
  }
}

void FlowEngine::end_instant() {
  for (const RankId id : dirty_ranks_) {
    ranks_[id].dirty = false;
    change_rate(ranks_[id].running, compute_rate(ranks_[id].taken));
  }
  dirty_ranks_.clear();
  for (const std::uint32_t task : new_computes_)
    if (tasks_[task].expected < 0) expect_completion(task, rank_of(task).running);
  new_computes_.clear();

  for (const FlowClassId flow : shares_.solve()) change_rate(flows_[flow], shares_.rate(flow));
  if (options_.check_laws) shares_.check_laws();
  for (const std::uint32_t task : new_flows_)
    if (tasks_[task].expected < 0) expect_completion(task, flows_[graph_.flow_class(TaskId{task})]);
  new_flows_.clear();
}

void FlowEngine::change_rate(RateList& list, double rate) {
  if (list.rate == rate) return;
  const double old_rate = std::exchange(list.rate, rate);
  for (std::uint32_t task = list.head; task != kNone; task = tasks_[task].next) {
    TaskState& state = tasks_[task];
    const double elapsed = static_cast<double>(now_.count() - state.updated) / list.unit;
    state.remaining = std::max(0.0, state.remaining - elapsed * old_rate);
    state.updated = now_.count();
    expect_completion(task, list);
  }
}

// Rounds up, and to at least one picosecond: what could end in this instant has ended already.
void FlowEngine::expect_completion(std::uint32_t task, const RateList& list) {
  const double exact = tasks_[task].remaining / list.rate * list.unit;
  const double wait = list.unit == 1.0 ? std::ceil(exact) : ceil_ps(exact);
  SIM_EXPECTS(wait < 9.2e18, "a task ends within the range of Time");
  expect(task, now_ + Time::ps(std::max<std::int64_t>(1, static_cast<std::int64_t>(wait))));
}

// What waits for the task is read when it ends: in a large graph it is on its way by then. Few, so
// that a rate that changes often costs no more for a task that many wait for.
void FlowEngine::expect(std::uint32_t task, Time when) {
  constexpr std::uint32_t kFetched = 4;
  const std::uint32_t begin = successor_begin_[task];
  const std::uint32_t end = std::min(begin + kFetched, successor_begin_[task + 1]);
  for (std::uint32_t e = begin; e < end; ++e) graph_.prefetch(TaskId{successors_[e]});
  tasks_[task].expected = when.count();
  queue_.push(when.count(), task);
}

void FlowEngine::link_in(RateList& list, std::uint32_t task) {
  tasks_[task].previous = kNone;
  tasks_[task].next = list.head;
  if (list.head != kNone) tasks_[list.head].previous = task;
  list.head = task;
}

void FlowEngine::unlink(RateList& list, std::uint32_t task) {
  const TaskState& state = tasks_[task];
  if (state.previous != kNone)
    tasks_[state.previous].next = state.next;
  else
    list.head = state.next;
  if (state.next != kNone) tasks_[state.next].previous = state.previous;
}

// Conservation: a transfer ends when its bytes have moved, give or take a picosecond.
void FlowEngine::check_moved(const TaskState& state, const RateList& list) const {
  const double elapsed = static_cast<double>(now_.count() - state.updated) / list.unit;
  const double left = state.remaining - elapsed * list.rate;
  SIM_EXPECTS(std::abs(left) <= 2.0 * list.rate / list.unit + 1e-9 * state.remaining,
              "no bytes are lost");
}

}  // namespace sim
