#include "scenarios/critical_path.hpp"

#include <optional>

#include "scenarios/breakdown.hpp"
#include "scenarios/simulated_step.hpp"

namespace scenarios {
namespace {

using sim::TaskId;
using sim::Time;

TaskId last_task(const sim::Timeline& timeline) {
  TaskId last{0U};
  for (std::size_t t = 0; t < timeline.finish.size(); ++t) {
    if (timeline.finish[TaskId{t}] > timeline.finish[last]) last = TaskId{t};
  }
  return last;
}

// What the task waited for longest, if for anything.
std::optional<TaskId> cause_of(TaskId task, const SimulatedStep& result) {
  std::optional<TaskId> cause;
  for (const TaskId before : result.step.graph.predecessors(task)) {
    if (!cause || result.timeline.finish[before] > result.timeline.finish[*cause]) cause = before;
  }
  return cause;
}

}  // namespace

Breakdown critical_path(const Scenario& scenario, const PredictOptions& options) {
  const auto model = build_step(scenario);
  PredictionCache cache(scenario);
  const SimulatedStep result = simulate_step(scenario, *model, cache, options, options.fold);
  Breakdown out;
  Time reached = result.timeline.makespan;
  std::optional<TaskId> task = last_task(result.timeline);
  while (task) {
    const Time start = result.timeline.start[*task];
    const Time finish = std::min(reached, result.timeline.finish[*task]);
    out.other += reached - finish;
    const strategies::TaskOrigin& origin = result.step.origins[task->index()];
    const auto stage = static_cast<std::size_t>(result.fleet->ranks[origin.rank.index()].stage);
    share_of(out, model->programs[stage].op(origin.op).activity) += finish - start;
    reached = start;
    task = cause_of(*task, result);
  }
  out.other += reached;
  return out;
}

}  // namespace scenarios
