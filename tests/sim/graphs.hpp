// Random task graphs for the engine's tests, whole and as replicas of one folded graph.
#pragma once

#include <vector>

#include "random.hpp"
#include "sim/simulate.hpp"

namespace sim::test {

// One task as authored, before it is appended to a TaskGraph.
struct TaskSpec {
  TaskKind kind = TaskKind::compute;
  Time work;
  Bytes bytes;
  Bandwidth cap;
  double share = 0.0;
  std::vector<RankId> ranks;
  std::vector<LinkUse> uses;
  std::vector<TaskId> predecessors;
  HostIssue host;
};

struct JobSpec {
  IdVector<LinkId, Link> links;
  std::vector<TaskSpec> tasks;
};

JobSpec random_job(Random& random, std::size_t tasks);

// Passes of tasks one after the other on each of four ranks, as a step has them: with redundant
// edges, waits for other ranks, transfers on the side, and anchors of the host.
JobSpec random_passes(Random& random, std::size_t passes);

TaskGraph graph_of(const std::vector<TaskSpec>& tasks);

// k copies of a job that share the links [0, shared) and own copies of the others. Task i of copy r
// is task i * k + r; every third dependency points to the same task of the next copy.
JobSpec unfold(const JobSpec& job, std::size_t copies, std::size_t shared);

// The same job as one copy, which loads the shared links for all.
JobSpec fold(const JobSpec& job, std::size_t copies, std::size_t shared);

}  // namespace sim::test
