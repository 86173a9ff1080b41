#include "scenarios/breakdown.hpp"

#include <algorithm>

namespace scenarios {

using sim::Time;
using strategies::Activity;
using strategies::OpKind;

Time& share_of(Breakdown& out, Activity activity) {
  switch (activity) {
    case Activity::forward:
    case Activity::backward:
    case Activity::weight_gradient:
      return out.compute;
    case Activity::recompute:
      return out.recompute;
    case Activity::optimizer:
      return out.optimizer;
    case Activity::tp:
      return out.exposed_tp;
    case Activity::cp:
      return out.exposed_cp;
    case Activity::ep:
      return out.exposed_ep;
    case Activity::pp:
      return out.exposed_pp;
    case Activity::dp:
      return out.exposed_dp;
    case Activity::offload:
    case Activity::other:
      return out.other;
  }
  return out.other;
}

namespace {

class Walker {
 public:
  Walker(const strategies::Program& program, const strategies::LoweredStep& step,
         const sim::Timeline& timeline, sim::RankId rank)
      : program_(program), timeline_(timeline), task_of_(step.task_of[rank.index()]), step_(step) {
    previous_.assign(program.size(), kNone);
    std::array<strategies::OpIndex, strategies::kStreams> last;
    last.fill(kNone);
    for (strategies::OpIndex i = 0; i < program.size(); ++i) {
      const strategies::Op& op = program.op(i);
      if (op.kind == OpKind::receive) continue;
      auto& of_stream = last[static_cast<std::size_t>(op.stream)];
      previous_[i] = of_stream;
      of_stream = i;
    }
  }

  Breakdown run() {
    Time reached;
    for (strategies::OpIndex i = 0; i < program_.size(); ++i) {
      const strategies::Op& op = program_.op(i);
      if (op.kind != OpKind::compute) continue;
      const Time start = timeline_.start[task_of_[i]];
      const Time finish = timeline_.finish[task_of_[i]];
      if (start > reached) {
        explain_gap(reached, start, i);
        reached = start;
      }
      if (finish > reached) {
        share_of(out_, op.activity) += finish - reached;
        reached = finish;
      }
    }
    out_.other += timeline_.makespan - reached;
    return out_;
  }

 private:
  static constexpr strategies::OpIndex kNone = UINT32_MAX;

  // The first task of an operation: of a collective, the begin of all its transfers.
  sim::TaskId first_task(strategies::OpIndex i) const {
    const auto began = step_.began.find(task_of_[i]);
    return began == step_.began.end() ? task_of_[i] : began->second;
  }
  Time start(strategies::OpIndex i) const { return timeline_.start[first_task(i)]; }
  // When the host had issued it.
  Time issued(strategies::OpIndex i) const {
    const sim::HostIssue& host = step_.graph.host(first_task(i));
    return (host.anchor.valid() ? timeline_.finish[host.anchor] : Time::zero()) + host.begin;
  }
  Time finish(strategies::OpIndex i) const { return timeline_.finish[task_of_[i]]; }

  // Puts [from, to), in which the compute stream was idle before operation i, down to its cause.
  void explain_gap(Time from, Time to, strategies::OpIndex i) {
    strategies::OpIndex cause = kNone;
    for (strategies::OpIndex dependency : program_.dependencies(i)) {
      if (program_.op(dependency).kind == OpKind::compute) continue;
      if (cause == kNone || finish(dependency) > finish(cause)) cause = dependency;
    }
    if (cause == kNone || finish(cause) < to) {
      // The host had not issued it yet.
      const Time waited_for = cause == kNone ? from : std::max(from, finish(cause));
      out_.other += to - waited_for;
      to = waited_for;
    }
    while (from < to) {
      const strategies::Op& op = program_.op(cause);
      const Time began = std::max(from, std::min(to, start(cause)));
      share_of(out_, op.activity) += to - began;
      to = began;
      if (from == to) return;
      const strategies::OpIndex before = previous_[cause];
      const bool queued = op.kind != OpKind::receive && before != kNone && finish(before) >= to;
      if (!queued) {
        waited(op, to - from, op.kind != OpKind::receive && issued(cause) >= to);
        return;
      }
      cause = before;
    }
  }

  // Before a communication could start, for the host or for ranks that were not there yet.
  void waited(const strategies::Op& op, Time time, bool for_host) {
    if (for_host) {
      out_.other += time;
    } else if (op.activity == Activity::dp && op.kind != OpKind::receive) {
      out_.exposed_dp += time;
    } else {
      out_.bubble += time;
    }
  }

  const strategies::Program& program_;
  const sim::Timeline& timeline_;
  const std::vector<sim::TaskId>& task_of_;
  const strategies::LoweredStep& step_;
  std::vector<strategies::OpIndex> previous_;  // on the same stream
  Breakdown out_;
};

}  // namespace

Breakdown breakdown_of_rank(const strategies::Program& program, const strategies::LoweredStep& step,
                            const sim::Timeline& timeline, sim::RankId rank) {
  return Walker(program, step, timeline, rank).run();
}

sim::RankId last_rank(const strategies::LoweredStep& step, const sim::Timeline& timeline) {
  sim::RankId last{0};
  Time latest;
  for (std::size_t r = 0; r < step.task_of.size(); ++r) {
    Time end;
    for (sim::TaskId task : step.task_of[r]) end = std::max(end, timeline.finish[task]);
    if (end > latest) {
      latest = end;
      last = sim::RankId{r};
    }
  }
  return last;
}

}  // namespace scenarios
