// A scenario made ready to simulate: costs, schedule and one program per pipeline stage.
#pragma once

#include <memory>
#include <vector>

#include "scenarios/report.hpp"
#include "scenarios/scenario.hpp"
#include "sim/memory.hpp"
#include "strategies/cost_table.hpp"
#include "strategies/late_buffers.hpp"
#include "strategies/program.hpp"
#include "strategies/schedule.hpp"
#include "strategies/step_context.hpp"

namespace scenarios {

struct StepModel {
  strategies::Plan plan;  // the scenario's, with what does not matter set to its neutral value
  std::unique_ptr<strategies::CostTable> costs;
  strategies::PipelineSchedule schedule;
  std::vector<strategies::StepContext> stages;
  std::vector<strategies::Program> programs;  // per stage

  StepModel() = default;
  StepModel(const StepModel&) = delete;
  StepModel& operator=(const StepModel&) = delete;
};

// Throws ScenarioError when the pipeline schedule cannot have the plan's shape.
std::unique_ptr<StepModel> build_step(const Scenario& scenario, std::int64_t steps = 1);

// What the allocator reserves, and the driver shows, for what a rank allocates.
struct DeviceMemory {
  sim::Bytes reserved, driver;
};
DeviceMemory device_memory(sim::Bytes allocated, const strategies::Plan& plan,
                           const strategies::Implementation& implementation);

// The same with what the allocator keeps cached while there is room for it (`reclaimable`): before
// it fails, it gives cached blocks back (pytorch, CUDACachingAllocator: release_cached_blocks).
DeviceMemory with_cached(DeviceMemory needed, sim::Bytes reclaimable, sim::Bytes device);

// When each operation of a stage's program ran, or nothing where that is not known.
using StageTimes = std::vector<std::vector<strategies::OpTimes>>;

// Memory of each stage, by replaying its program. Needs no simulation: `times`, per stage, only add
// what the allocator holds because the host is ahead of the device, which it gives back before it
// fails.
std::vector<StageMemory> stage_memory(const Scenario& scenario, const StepModel& model,
                                      const StageTimes& times = {});

}  // namespace scenarios
