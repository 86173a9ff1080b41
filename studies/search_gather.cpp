#include "studies/search_gather.hpp"

#include <algorithm>

#include "strategies/states.hpp"

namespace studies {

using strategies::PassKind;

namespace {

// Reductions are not part of every pass, and copies can only make one longer.
strategies::Plan of_pass(const strategies::Plan& plan) {
  strategies::Plan out = plan;
  out.overlap.grad_reduce = true;
  out.offload = {};
  return out;
}

// The value of a number, worked out when it is first asked for.
template <class Make>
double once(std::vector<std::pair<std::int64_t, double>>& known, std::int64_t number, Make make) {
  for (const auto& [other, value] : known) {
    if (other == number) return value;
  }
  return known.emplace_back(number, make()).second;
}

}  // namespace

GatheredPasses::OfPlan::OfPlan(GatheredPasses& passes, const OuterPlan& plan)
    : passes_(passes),
      alone_(of_pass(plan.plan)),
      plan_{plan.scenario, plan.table, alone_, plan.shapes},
      key_(plan_.key(0)) {
  key_.push_back(0);
}

double GatheredPasses::OfPlan::time(const strategies::Chunk& chunk, std::uint32_t number,
                                    PassKind kind) {
  const auto k = static_cast<std::int64_t>(kind);
  return once(times_, std::int64_t{number} * 8 + k, [&] {
    key_.front() = number;
    key_.back() = k;
    const auto [entry, is_new] = passes_.known_.try_emplace(key_);
    if (is_new) entry->second = passes_.pass(plan_, chunk, kind);
    return entry->second;
  });
}

double GatheredPasses::OfPlan::blocking_reduction(const strategies::Chunk& chunk,
                                                  std::uint32_t number) {
  return once(reductions_, number, [&] { return passes_.reduction(plan_, chunk); });
}

double GatheredPasses::reduction(const OuterPlan& plan, const strategies::Chunk& chunk) {
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
  const strategies::Program program = units_.emit(plan.scenario, plan.table, plan.plan, {chunk},
                                                  {{kind, 0, 0}}, UnitTables::Of::any);
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
