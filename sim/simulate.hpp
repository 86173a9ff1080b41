// simulate(): executes a task graph on the links of a machine.
//
// A compute task runs for its duration. A transfer waits out its latency, then moves its bytes at
// the max-min fair rate of the links it uses. While a transfer with a compute share runs (from the
// start of its latency until its last byte arrives), compute tasks of its participants run at rate
// 1 - (sum of shares), at least kLeastComputeRate. A task starts when all predecessors have
// finished and the host has issued it (HostIssue). Details: docs/engine.md.
//
// Pure: no globals, no I/O, no clock. Same graph, same Timeline, to the picosecond.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sim/ids.hpp"
#include "sim/task_graph.hpp"
#include "sim/units.hpp"

namespace sim {

enum class Fidelity : std::uint8_t {
  analytic,  // each transfer alone on a quiet network, no interference: one pass over the graph
  flow,      // transfers share links, compute and communication slow each other: event driven
};

inline constexpr double kLeastComputeRate = 1.0 / 64.0;

struct SimulateOptions {
  Fidelity fidelity = Fidelity::flow;
  bool interference = true;
  bool check_laws = false;  // assert capacity, causality and conservation at every event
  // `flow`: ends early once it is certain that the last task ends later than this.
  std::optional<Time> deadline{};
  // `flow`: the last tasks, as many as there are values, stand for what the graph leaves out of a
  // longer one. The simulation, which until then is that of the longer one, ends when the first of
  // them could start. The values: how long it is at least from there to the end.
  std::span<const Time> left_out{};
};

struct Timeline {
  IdVector<TaskId, Time> start;  // of a transfer: when its latency begins
  IdVector<TaskId, Time> finish;
  Time makespan;
  std::uint64_t events = 0;
  // Ended early: the makespan would be more than the deadline; all other fields are unfinished.
  bool late = false;
  // Ended where the graph does (SimulateOptions::left_out); all other fields are unfinished.
  bool open = false;
};

Timeline simulate(const IdVector<LinkId, Link>& links, const TaskGraph& graph,
                  const SimulateOptions& options);

}  // namespace sim
