// Whether a pipeline schedule exists and can have the plan's shape.
#include <fmt/core.h>

#include "scenarios/problems.hpp"
#include "scenarios/source.hpp"
#include "strategies/schedule.hpp"

namespace scenarios {
namespace {

using Problems = std::vector<Problem>;
using strategies::Plan;

std::string schedule_names() {
  std::string list;
  for (const auto& each : strategies::schedules()) {
    list += fmt::format("{}{}", list.empty() ? "" : ", ", each.name);
  }
  return list;
}

// What no generator says.
void chunk_problems(const Plan& plan, Problems& out) {
  if (plan.vpp > 1 && plan.pp == 1) {
    out.push_back({{"strategy.vpp", "strategy.pp"},
                   fmt::format("vpp = {} needs a pipeline, but pp is 1", plan.vpp),
                   "strategy.vpp: 1, or pp above 1"});
  }
  if (plan.max_in_flight > 0 && plan.schedule != "memory-bounded") {
    out.push_back(
        {{"strategy.max_in_flight", "strategy.schedule"},
         fmt::format("schedule {} holds what it holds: max_in_flight = {} has no say in it",
                     plan.schedule, plan.max_in_flight),
         "strategy.schedule: memory-bounded"});
  }
  if (plan.schedule == "interleaved" && plan.pp > 1 && plan.vpp == 1) {
    out.push_back({{"strategy.schedule", "strategy.vpp"},
                   "the interleaved schedule needs vpp > 1",
                   "strategy.schedule: 1f1b, or vpp: 2"});
  }
}

// Some orders wait for ever when their passes have to start together.
void pair_problem(const strategies::ScheduleGenerator& generator,
                  const strategies::ScheduleShape& shape, Problems& out) {
  const std::string problem =
      strategies::check_schedule(strategies::in_pairs(generator.generate(shape)));
  if (problem.empty()) return;
  out.push_back({{"strategy.overlap.ep_passes", "strategy.micro_batch_group", "strategy.schedule"},
                 fmt::format("with passes in pairs, {}", problem),
                 "strategy.micro_batch_group: pp or more, or overlap.ep_passes: false"});
}

void unknown_schedule(const Plan& plan, Problems& out) {
  std::vector<std::string> names;
  for (const auto& each : strategies::schedules()) names.emplace_back(each.name);
  const std::string near = nearest(plan.schedule, names);
  out.push_back(
      {{"strategy.schedule"},
       fmt::format("there is no schedule '{}'", plan.schedule),
       fmt::format("{}one of {}", near.empty() ? "" : fmt::format("did you mean {}? ", near),
                   schedule_names())});
}

void file_problems(const Scenario& s, std::int64_t micro_batches, Problems& out) {
  const strategies::ScheduleShape& shape = s.schedule->shape;
  const Plan& plan = s.plan;
  const std::string file = "strategy.schedule_file";
  if (plan.schedule != "file") {
    out.push_back(
        {{"strategy.schedule", file},
         fmt::format("schedule: {} and a schedule_file exclude each other", plan.schedule),
         "keep one of the two"});
  }
  if (shape.stages != plan.pp) {
    out.push_back({{file, "strategy.pp"},
                   fmt::format("the schedule has {} ranks, but pp is {}", shape.stages, plan.pp),
                   fmt::format("strategy.pp: {}", shape.stages)});
  }
  if (shape.chunks != plan.vpp) {
    out.push_back(
        {{file, "strategy.vpp"},
         fmt::format("the schedule has {} pieces a rank, but vpp is {}", shape.chunks, plan.vpp),
         fmt::format("strategy.vpp: {}", shape.chunks)});
  }
  if (micro_batches > 0 && shape.micro_batches != micro_batches) {
    out.push_back({{file, "training.global_batch"},
                   fmt::format("the schedule has {} micro-batches, but a step has {}",
                               shape.micro_batches, micro_batches),
                   fmt::format("training.global_batch: {}",
                               shape.micro_batches * plan.dp * s.training.micro_batch)});
  }
}

}  // namespace

std::vector<Problem> schedule_problems(const Scenario& scenario, std::int64_t micro_batches) {
  Problems out;
  const Plan& plan = scenario.plan;
  if (scenario.schedule) {
    file_problems(scenario, micro_batches, out);
    return out;
  }
  const strategies::ScheduleGenerator* generator = strategies::find_schedule(plan.schedule);
  if (generator == nullptr) {
    unknown_schedule(plan, out);
    return out;
  }
  chunk_problems(plan, out);
  if (plan.pp == 1 || !out.empty() || micro_batches == 0) return out;
  const std::string problem = generator->problem(strategies::schedule_shape(plan, micro_batches));
  if (!problem.empty()) {
    out.push_back({{"strategy.schedule", "strategy.vpp", "strategy.pp"}, problem, ""});
  } else if (plan.overlap.ep_passes) {
    pair_problem(*generator, strategies::schedule_shape(plan, micro_batches), out);
  }
  return out;
}

}  // namespace scenarios
