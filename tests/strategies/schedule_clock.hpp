// A clock for schedules: every pass takes a given time, messages take none. An oracle for the
// published formulas of bubbles, independent of the executor and the engine.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <tuple>
#include <vector>

#include "strategies/schedule.hpp"

namespace strategies {

struct PassTimes {  // per chunk and micro-batch
  std::int64_t forward = 1, input = 1, weight = 1;
};

struct ClockResult {
  std::int64_t makespan = 0;
  std::int64_t work = 0;                // of one stage, without waiting
  std::int64_t worst_stage_bubble = 0;  // idle time between a stage's first start and last end
};

class Clock {
 public:
  Clock(const PipelineSchedule& schedule, const PassTimes& times)
      : schedule_(schedule), times_(times) {}

  ClockResult run() {
    std::vector<std::size_t> next(schedule_.stages.size(), 0);
    std::vector<Span> spans(schedule_.stages.size());
    for (bool progress = true; progress;) {
      progress = false;
      for (std::size_t s = 0; s < next.size(); ++s) {
        while (advance(s, next[s], spans[s])) progress = true;
      }
    }
    ClockResult out;
    for (std::size_t s = 0; s < next.size(); ++s) {
      if (next[s] != schedule_.stages[s].size()) throw std::logic_error("waits for ever");
      out.makespan = std::max(out.makespan, spans[s].end);
      out.work = spans[s].busy;
      const std::int64_t idle = spans[s].end - spans[s].begin - spans[s].busy;
      out.worst_stage_bubble = std::max(out.worst_stage_bubble, idle);
    }
    return out;
  }

 private:
  using Key = std::tuple<bool, std::int64_t, std::int32_t>;  // forward, piece, micro-batch

  struct Span {
    std::int64_t begin = -1, end = 0, busy = 0;
  };

  std::int64_t duration(PassKind kind) const {
    if (kind == PassKind::forward) return times_.forward;
    if (kind == PassKind::backward_input) return times_.input;
    if (kind == PassKind::backward_weight) return times_.weight;
    return times_.input + times_.weight;
  }

  Key key(std::size_t stage, const PassSlot& slot) const {
    return {slot.kind == PassKind::forward,
            schedule_.piece_of(static_cast<std::int64_t>(stage), slot.chunk), slot.micro_batch};
  }

  // When the data of a pass is there; -1: not known yet.
  std::int64_t available(std::size_t stage, const PassSlot& slot) const {
    if (slot.kind == PassKind::backward_weight) return 0;  // the stage's own order sees to it
    const auto [forward, piece, m] = key(stage, slot);
    const std::int64_t from = forward ? piece - 1 : piece + 1;
    if (from < 0 || from == schedule_.pieces()) return 0;
    const auto found = ended_.find({forward, from, m});
    return found == ended_.end() ? -1 : found->second;
  }

  bool advance(std::size_t stage, std::size_t& next, Span& span) {
    const auto& order = schedule_.stages[stage];
    if (next == order.size()) return false;
    const std::size_t count = order[next].with_next ? 2 : 1;
    std::int64_t start = span.end;
    std::int64_t time = 0;
    for (std::size_t i = next; i < next + count; ++i) {
      const std::int64_t data = available(stage, order[i]);
      if (data < 0) return false;
      start = std::max(start, data);
      time += duration(order[i].kind);
    }
    if (span.begin < 0) span.begin = start;
    span.end = start + time;
    span.busy += time;
    for (std::size_t i = next; i < next + count; ++i) {
      if (order[i].kind != PassKind::backward_weight) ended_[key(stage, order[i])] = span.end;
    }
    next += count;
    return true;
  }

  const PipelineSchedule& schedule_;
  PassTimes times_;
  std::map<Key, std::int64_t> ended_;
};

inline ClockResult run_clock(const PipelineSchedule& schedule, const PassTimes& times) {
  return Clock(schedule, times).run();
}

}  // namespace strategies
