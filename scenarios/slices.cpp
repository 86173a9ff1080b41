#include "scenarios/slices.hpp"

#include <algorithm>

namespace scenarios {
namespace {

void add_rank(Report& report, std::int64_t rank, const strategies::Program& program,
              const std::vector<sim::TaskId>& task_of, const sim::Timeline& timeline) {
  for (strategies::OpIndex i = 0; i < program.size(); ++i) {
    const strategies::Op& op = program.op(i);
    if (op.kind == strategies::OpKind::receive) continue;
    const sim::TaskId task = task_of[i];
    if (timeline.finish[task] == timeline.start[task]) continue;
    Slice slice;
    slice.rank = rank;
    slice.stream = static_cast<std::uint8_t>(op.stream);
    slice.name = op.name;
    slice.category = strategies::name(op.activity);
    slice.start = timeline.start[task];
    slice.finish = timeline.finish[task];
    slice.micro_batch = op.micro_batch;
    slice.chunk = op.chunk;
    slice.layer = op.layer;
    slice.bytes = op.bytes;
    slice.flops = op.flops;
    report.slices.push_back(std::move(slice));
  }
}

// Memory changes are dated by the operation before which they happen.
void add_memory(Report& report, std::int64_t rank, const strategies::Program& program,
                const std::vector<sim::TaskId>& task_of, const sim::Timeline& timeline) {
  MemorySample sample;
  sample.rank = rank;
  const auto events = program.memory_events();
  for (std::size_t e = 0; e < events.size(); ++e) {
    sample.amounts[static_cast<std::size_t>(events[e].category)] += sim::Bytes{events[e].bytes};
    if (e + 1 < events.size() && events[e + 1].position == events[e].position) continue;
    const sim::Time at = events[e].position < task_of.size()
                             ? timeline.start[task_of[events[e].position]]
                             : timeline.makespan;
    sample.at = std::max(sample.at, at);
    report.memory_samples.push_back(sample);
  }
}

}  // namespace

void add_slices(Report& report, const std::vector<std::int64_t>& ranks, const StepModel& model,
                const strategies::Fleet& fleet, const strategies::LoweredStep& step,
                const sim::Timeline& timeline) {
  for (const std::int64_t rank : ranks) {
    if (rank < 0 || rank >= fleet.world) continue;
    const sim::RankId simulated = fleet.stands_for[static_cast<std::size_t>(rank)];
    const auto stage = static_cast<std::size_t>(fleet.ranks[simulated.index()].stage);
    const auto& task_of = step.task_of[simulated.index()];
    add_rank(report, rank, model.programs[stage], task_of, timeline);
    add_memory(report, rank, model.programs[stage], task_of, timeline);
  }
}

}  // namespace scenarios
