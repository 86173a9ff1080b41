#include "scenarios/step_model.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "scenarios/reader.hpp"
#include "strategies/mesh.hpp"
#include "strategies/states.hpp"
#include "strategies/step.hpp"

namespace scenarios {
namespace {

constexpr std::int64_t kAllocatorBlock = std::int64_t{2} << 20;  // torch's smallest large segment

strategies::PipelineSchedule make_schedule(const Scenario& scenario, std::int64_t micro_batches) {
  const strategies::Plan& plan = scenario.plan;
  if (scenario.schedule) return *scenario.schedule;
  // One stage needs no schedule: each micro-batch goes forward and straight back.
  const std::string name = plan.pp == 1 && plan.vpp == 1 ? "1f1b" : plan.schedule;
  const strategies::ScheduleGenerator* generator = strategies::find_schedule(name);
  const strategies::ScheduleShape shape = strategies::schedule_shape(plan, micro_batches);
  std::string problem =
      generator ? generator->problem(shape) : fmt::format("unknown pipeline schedule '{}'", name);
  if (!problem.empty()) {
    throw ScenarioError(ErrorKind::invalid_input,
                        {Diagnostic{scenario.name, 0, 0, "strategy.schedule", problem,
                                    "`stepcast list schedules` names them and their rules", ""}});
  }
  strategies::PipelineSchedule schedule = generator->generate(shape);
  return plan.overlap.ep_passes ? strategies::in_pairs(std::move(schedule)) : schedule;
}

// Communicators a rank takes part in: one a dimension it shares with others, the world's, and one
// for the norm of the gradients where a model is split in two ways.
std::int64_t communicators(const strategies::Plan& plan,
                           const strategies::Implementation& implementation) {
  std::int64_t count = plan.world_size() > 1 ? 1 : 0;
  for (const std::int64_t size : {plan.tp, plan.cp, plan.pp, plan.ep, plan.dp * plan.cp}) {
    if (size > 1) ++count;
  }
  if (plan.pp > 2 && implementation.pair_communicators) ++count;
  if (plan.tp > 1 && plan.pp > 1) ++count;
  return count;
}

// NVLink domains that the group of rank 0 spans, devices being numbered domain by domain.
std::int64_t expert_domains(const Scenario& scenario) {
  const strategies::Plan& plan = scenario.plan;
  const topologies::ClusterSpec& cluster = scenario.cluster;
  const std::int64_t size =
      cluster.nvlink_domain > 0 ? cluster.nvlink_domain : cluster.gpus_per_node;
  const auto members =
      strategies::group_members(plan, strategies::dense_mesh(plan), strategies::expert_mesh(plan),
                                strategies::GroupKind::expert, 0);
  std::set<std::int64_t> domains;
  for (const std::int64_t member : members) domains.insert(member / size);
  return static_cast<std::int64_t>(domains.size());
}

std::string peak_place(const strategies::Program& program, std::uint32_t position) {
  if (program.size() == 0) return "start of the step";
  const auto index = std::min<std::size_t>(position, program.size() - 1);
  const strategies::Op& op = program.op(static_cast<strategies::OpIndex>(index));
  if (op.micro_batch < 0) return position == 0 ? "start of the step" : "end of the step";
  return fmt::format("{} of chunk {}, micro-batch {}", strategies::name(op.activity), op.chunk,
                     op.micro_batch);
}

}  // namespace

std::unique_ptr<StepModel> build_step(const Scenario& scenario, std::int64_t steps) {
  auto model = std::make_unique<StepModel>();
  model->plan = scenario.plan;
  strategies::Plan& plan = model->plan;
  if (plan.zero == 0) plan.shard_group = plan.dp * plan.cp;
  const std::int64_t micro_batches = strategies::micro_batch_count(scenario.training, plan);
  model->schedule = make_schedule(scenario, micro_batches);
  model->costs = std::make_unique<strategies::CostTable>(
      scenario.model, scenario.device, scenario.training, plan, scenario.implementation);
  for (std::int64_t stage = 0; stage < plan.pp; ++stage) {
    strategies::StepContext context;
    context.model = &scenario.model;
    context.device = &scenario.device;
    context.training = &scenario.training;
    context.plan = &plan;
    context.implementation = &scenario.implementation;
    context.costs = model->costs.get();
    context.schedule = &model->schedule;
    context.plugins = scenario.plugins;
    context.stage = stage;
    context.micro_batches = micro_batches;
    context.expert_domains = expert_domains(scenario);
    context.chunks = strategies::chunks_of_stage(scenario.model, plan, model->schedule,
                                                 *model->costs, scenario.implementation, stage);
    model->stages.push_back(std::move(context));
    // Stages are much alike.
    const std::size_t room = model->programs.empty() ? 0 : model->programs.back().size() + 64;
    model->programs.push_back(strategies::emit_step(model->stages.back(), steps, room));
  }
  return model;
}

DeviceMemory device_memory(sim::Bytes allocated, const strategies::Plan& plan,
                           const strategies::Implementation& implementation) {
  const double wanted = allocated.as_double() * (1.0 + implementation.allocator_overhead);
  const auto blocks =
      static_cast<std::int64_t>(std::ceil(wanted / static_cast<double>(kAllocatorBlock)));
  const sim::Bytes reserved{blocks * kAllocatorBlock};
  return {reserved, reserved + implementation.context +
                        implementation.communicator * communicators(plan, implementation)};
}

DeviceMemory with_cached(DeviceMemory needed, sim::Bytes reclaimable, sim::Bytes device) {
  const std::int64_t room = std::max<std::int64_t>(0, (device - needed.driver).count());
  const sim::Bytes cached{std::min(room, reclaimable.count()) / kAllocatorBlock * kAllocatorBlock};
  return {needed.reserved + cached, needed.driver + cached};
}

std::vector<StageMemory> stage_memory(const Scenario& scenario, const StepModel& model,
                                      const StageTimes& times) {
  const strategies::Implementation& implementation = scenario.implementation;
  std::vector<StageMemory> out;
  for (std::size_t stage = 0; stage < model.programs.size(); ++stage) {
    const sim::MemoryLedger ledger = strategies::replay_memory(model.programs[stage]);
    StageMemory memory;
    memory.stage = static_cast<std::int64_t>(stage);
    memory.allocated = ledger.peak();
    memory.categories = ledger.at_peak();
    memory.steady = sim::total(ledger.now());
    memory.peak_at = peak_place(model.programs[stage], ledger.peak_position());
    const auto ran =
        stage < times.size() ? std::span(times[stage]) : std::span<const strategies::OpTimes>();
    const sim::Bytes cached =
        strategies::cached_step_buffers(model.stages[stage]) +
        strategies::late_buffers(model.stages[stage], model.programs[stage], ran);
    const DeviceMemory device =
        with_cached(device_memory(memory.allocated, model.plan, implementation), cached,
                    scenario.device.usable_memory);
    memory.reserved = device.reserved;
    memory.driver = device.driver;
    out.push_back(std::move(memory));
  }
  return out;
}

}  // namespace scenarios
