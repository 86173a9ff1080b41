// The least time that passes after each task of a graph, whatever shares links or compute with it:
// the longest way to the end on a quiet machine. A bound that a running simulation can be held
// against.
#pragma once

#include <span>

#include "sim/task_graph.hpp"

namespace sim {

struct LeastAfter {
  IdVector<TaskId, Time> after;  // from a task's end to the end of the last task
  Time whole;                    // from the start to the end of the last task
};

// Each transfer counts for a picosecond less than it takes alone, so that no rounding of rates can
// make an execution faster than this.
// `left_out`: as in SimulateOptions.
LeastAfter least_after(const IdVector<LinkId, Link>& links, const TaskGraph& graph,
                       std::span<const Time> left_out = {});

}  // namespace sim
