#include "studies/search_gather.hpp"

#include <algorithm>

#include "strategies/states.hpp"

namespace studies {

using strategies::PassKind;

// Reductions are not part of every pass, and copies can only make one longer.
strategies::Plan GatheredPasses::of_pass(const strategies::Plan& plan) {
  strategies::Plan out = plan;
  out.overlap.grad_reduce = true;
  out.offload = {};
  return out;
}

double GatheredPasses::time(const OuterPlan& plan, const strategies::Chunk& chunk,
                            std::uint32_t number, PassKind kind) {
  const strategies::Plan alone = of_pass(plan.plan);
  const OuterPlan what{plan.scenario, plan.table, alone, plan.shapes};
  std::vector<std::int64_t> key = what.key(number);
  key.push_back(static_cast<std::int64_t>(kind));
  const auto [entry, is_new] = known_.try_emplace(std::move(key));
  if (is_new) entry->second = pass(what, chunk, kind);
  return entry->second;
}

double GatheredPasses::blocking_reduction(const OuterPlan& plan, const strategies::Chunk& chunk) {
  if (plan.plan.shard_group == 1) return 0.0;
  const double element =
      strategies::gradient_wire_bytes(plan.scenario.training, plan.scenario.implementation);
  double time = 0.0;
  for (const strategies::Unit& unit : chunk.units) {
    const std::int64_t bytes = strategies::wire_size(unit.cost->dense_parameters, element).count();
    const std::int64_t parts =
        unit.cost->is_layer
            ? std::max<std::int64_t>(1, plan.scenario.implementation.gathers_per_layer)
            : 1;
    for (std::int64_t i = 0; i < parts && bytes > 0; ++i) {
      const sim::Bytes part{bytes * (i + 1) / parts - bytes * i / parts};
      time += prices_.time(collectives::Kind::reduce_scatter,
                           plan.shapes[static_cast<std::size_t>(strategies::GroupKind::shard)],
                           part, false);
    }
  }
  return time;
}

double GatheredPasses::pass(const OuterPlan& plan, const strategies::Chunk& chunk, PassKind kind) {
  const strategies::Program program =
      units_.emit(plan.scenario, plan.table, plan.plan, {chunk}, {{kind, 0, 0}});
  const double time =
      time_program(program, plan.shapes, prices_, units_.stretch(plan.scenario)).passes;
  if (kind == PassKind::forward || !plan.scenario.implementation.keeps_last_gathered) return time;
  return std::max(0.0, time - still_there(plan, chunk, program));
}

// What the gathers of those units take that are still there from the forward (FSDP keeps the last).
// Taken out of the pass, they shorten it by no more than this. Backward gathers them first.
double GatheredPasses::still_there(const OuterPlan& plan, const strategies::Chunk& chunk,
                                   const strategies::Program& backward) {
  const std::size_t count = chunk.units.size();
  std::size_t units = 0;
  while (units < count) {
    const std::size_t u = count - 1 - units;
    const bool stays = chunk.units[u].cost->is_layer ? u + 2 >= count : u > 0;
    if (!stays) break;
    ++units;
  }
  // Each layer travels in equal parts, dense and expert parameters apart.
  const auto parts = static_cast<std::size_t>(
      std::max<std::int64_t>(1, plan.scenario.implementation.gathers_per_layer));
  std::size_t most = 2 * parts * units;
  double time = 0.0;
  for (const strategies::Op& op : backward.ops()) {
    if (op.stream != strategies::Stream::gather || most == 0) continue;
    time += prices_.price(op, plan.shapes).time;
    --most;
  }
  return time;
}

}  // namespace studies
