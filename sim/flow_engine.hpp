// The event-driven execution behind Fidelity::flow. Internal to sim/.
//
// A task goes waiting -> (issued ->) running or latency -> (moving ->) (held ->) done. Only what
// has to wait for a moment goes through the queue; everything else that happens in one instant is
// done at once, in any order, because each effect is a sum of integers or a set. Rates are settled
// once, at the end of the instant: first those of ranks, then those of flows. Hence ties cannot
// depend on task ids, and a folded graph gives the instants of the unfolded one.
//
// A pending task has one expected event; queue items of any other time are outdated and skipped.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/known_shares.hpp"
#include "sim/least_after.hpp"
#include "sim/radix_heap.hpp"
#include "sim/simulate.hpp"

namespace sim {

class FlowEngine {
 public:
  FlowEngine(const IdVector<LinkId, Link>& links, const TaskGraph& graph,
             const SimulateOptions& options);

  Timeline run();  // once

 private:
  static constexpr std::uint32_t kNone = 0xffff'ffffU;

  enum class Phase : std::uint8_t {
    waiting,  // for predecessors and the host's anchor
    issued,   // ready, the host has not launched it yet
    running,  // compute whose rate may change
    latency,  // transfer before its first byte
    moving,   // transfer in the fair share
    ending,   // a fixed time before work_done()
    held,     // work is done, the host is still launching parts of it
    done
  };

  struct TaskState {
    std::int64_t expected = -1;  // ps of its event; -1 = none
    std::int64_t updated = 0;    // ps up to which `remaining` is accounted
    double remaining = 0.0;      // work: ps at full speed, or bytes
    std::uint32_t next = kNone;  // in the list of its rank or flow class
    std::uint32_t previous = kNone;
    Phase phase = Phase::waiting;
  };
  struct RateList {  // tasks that progress at one rate: computes of a rank, flows of a class
    std::uint32_t head = kNone;
    double rate = 0.0;  // work per unit of time
    double unit = 1.0;  // ps; a second for flows, whose rate is in bytes/s
  };
  struct RankState {
    RateList running;
    std::int64_t taken = 0;  // compute share taken by transfers, in 2^-30
    bool dirty = false;
  };

  void index_successors();

  void make_ready(std::uint32_t task);
  void begin(std::uint32_t task);
  void begin_fixed(std::uint32_t task, Time start);
  void begin_compute(std::uint32_t task);
  void begin_bytes(std::uint32_t task);
  void work_done(std::uint32_t task);
  void finish(std::uint32_t task);
  void on_event(const RadixHeap<std::uint32_t>::Item& item);
  void end_instant();

  void take_compute(std::uint32_t task, std::int64_t sign);
  void change_rate(RateList& list, double rate);
  void expect_completion(std::uint32_t task, const RateList& list);
  void expect(std::uint32_t task, Time when);
  void link_in(RateList& list, std::uint32_t task);
  void unlink(RateList& list, std::uint32_t task);
  Time anchored(std::uint32_t task, Time HostIssue::*offset) const;
  void check_moved(const TaskState& state, const RateList& list) const;
  RankState& rank_of(std::uint32_t task) {
    return ranks_[graph_.participants(TaskId{task}).front()];
  }

  const TaskGraph& graph_;
  const SimulateOptions options_;
  const bool interference_;
  const std::size_t left_out_;  // the first task that stands for what the graph leaves out
  std::vector<TaskState> tasks_;
  std::vector<std::uint32_t> pending_;  // predecessors not done yet; apart, for the cache
  std::vector<std::uint32_t> successor_begin_;
  std::vector<std::uint32_t> successors_;
  IdVector<RankId, RankState> ranks_;
  std::vector<FlowClass> flow_classes_;
  IdVector<FlowClassId, RateList> flows_;
  KnownShares shares_;
  RadixHeap<std::uint32_t> queue_;
  std::vector<std::uint32_t> finished_;      // whose successors are not yet told
  std::vector<std::uint32_t> new_computes_;  // begun in this instant
  std::vector<std::uint32_t> new_flows_;
  std::vector<RankId> dirty_ranks_;
  LeastAfter least_;  // where there is a deadline
  Time now_;
  Timeline timeline_;
};

}  // namespace sim
