// The memory bound: the beginning of the real programs.
//
// A program takes and frees memory in the order of its stage's passes. Cut off after any pass, it
// has taken what it takes in full up to there, so its peak is no more than the peak of the whole.
// By the time every chunk has had its first backward, everything that comes to stay is there:
// states, the activations in flight, gradients before they are sharded.
#include <algorithm>

#include "scenarios/problems.hpp"
#include "strategies/step.hpp"
#include "studies/search_bounds.hpp"

namespace studies {
namespace {

using strategies::PassKind;
using strategies::PassSlot;

// Passes until every chunk has begun its backwards, and the forwards that stand between; then, with
// a micro-batch of their own, one more backward of each chunk, so that none before is the last.
std::vector<PassSlot> beginning(const std::vector<PassSlot>& slots, std::size_t chunks,
                                std::int32_t beyond) {
  std::vector<bool> seen(chunks, false);
  std::vector<PassSlot> out;
  std::vector<PassSlot> more;
  for (const PassSlot& slot : slots) {
    if (more.size() == chunks) break;
    out.push_back(slot);
    if (slot.kind == PassKind::forward || slot.kind == PassKind::backward_input) continue;
    auto chunk = seen.begin() + slot.chunk;
    if (!*chunk) more.push_back({slot.kind, slot.chunk, beyond});
    *chunk = true;
  }
  const bool whole = out.size() == slots.size();
  if (!whole) out.insert(out.end(), more.begin(), more.end());
  return out;
}

// The peak before the passes of micro-batch `beyond`.
double peak_before(const strategies::Program& program, std::int32_t beyond) {
  const auto ops = program.ops();
  const auto end = std::find_if(ops.begin(), ops.end(),
                                [&](const strategies::Op& op) { return op.micro_batch == beyond; });
  const auto limit = static_cast<strategies::OpIndex>(end - ops.begin());
  std::int64_t live = 0;
  std::int64_t peak = 0;
  for (const strategies::MemoryEvent& event : program.memory_events()) {
    if (event.position >= limit && end != ops.end()) break;
    live += event.bytes;
    peak = std::max(peak, live);
  }
  return static_cast<double>(peak);
}

}  // namespace

double SearchBounds::memory(const SearchCore& core, const scenarios::Scenario& scenario) {
  const Prepared& prepared = prepare(core, scenario);
  strategies::Plan plan = scenario.plan;
  if (plan.zero == 0) plan.shard_group = plan.dp * plan.cp;
  strategies::PipelineSchedule schedule = kept_schedule(scenario)->schedule;
  strategies::StepContext context;
  context.model = &scenario.model;
  context.device = &scenario.device;
  context.training = &scenario.training;
  context.plan = &plan;
  context.implementation = &scenario.implementation;
  context.costs = prepared.table->costs.get();
  context.schedule = &schedule;
  context.micro_batches = scenarios::micro_batches(scenario);
  double most = 0.0;
  const auto last = static_cast<std::size_t>(plan.pp - 1);
  for (std::size_t s = 0; s <= last; ++s) {
    if (s > 1 && s < last) continue;  // as a rule the fullest are at the ends
    auto& slots = schedule.stages[s];
    const auto beyond = static_cast<std::int32_t>(context.micro_batches);
    slots = beginning(slots, static_cast<std::size_t>(schedule.chunks_of_stage()), beyond);
    context.stage = static_cast<std::int64_t>(s);
    context.chunks = strategies::chunks_of_stage(scenario.model, plan, schedule, *context.costs,
                                                 scenario.implementation, context.stage);
    most = std::max(most, peak_before(strategies::emit_step(context), beyond));
  }
  return driver(most, plan, scenario);
}

}  // namespace studies
