#include "studies/search_gather.hpp"

#include <algorithm>

#include "strategies/states.hpp"

namespace studies {

using strategies::PassKind;

GatheredPasses::GatheredPasses(const scenarios::Scenario& scenario, const UnitTable& table,
                               strategies::Plan plan, std::int64_t micro_batches, UnitTables& units,
                               QuietPrices& prices, const GroupShapes& shapes)
    : scenario_(scenario),
      table_(table),
      plan_(std::move(plan)),
      micro_batches_(micro_batches),
      units_(units),
      prices_(prices),
      shapes_(shapes) {
  plan_.overlap.grad_reduce = true;  // reductions are not part of every pass
  plan_.offload = {};                // copies can only make a pass longer
}

const std::array<double, kPassKinds>& GatheredPasses::times(const strategies::Chunk& chunk) {
  std::vector<const strategies::UnitCost*> units;
  for (const strategies::Unit& unit : chunk.units) units.push_back(unit.cost);
  const auto [entry, is_new] = known_.try_emplace(std::move(units));
  for (std::size_t k = 0; is_new && k < kPassKinds; ++k) {
    entry->second[k] = pass(chunk, static_cast<PassKind>(k));
  }
  return entry->second;
}

double GatheredPasses::blocking_reduction(const strategies::Chunk& chunk) {
  if (plan_.shard_group == 1) return 0.0;
  const double element =
      strategies::gradient_wire_bytes(scenario_.training, scenario_.implementation);
  double time = 0.0;
  for (const strategies::Unit& unit : chunk.units) {
    const std::int64_t bytes =
        strategies::wire_size(unit.cost->dense_parameters, element).count();
    const std::int64_t parts =
        unit.cost->is_layer
            ? std::max<std::int64_t>(1, scenario_.implementation.gathers_per_layer)
            : 1;
    for (std::int64_t i = 0; i < parts && bytes > 0; ++i) {
      const sim::Bytes part{bytes * (i + 1) / parts - bytes * i / parts};
      time += prices_.time(collectives::Kind::reduce_scatter,
                           shapes_[static_cast<std::size_t>(strategies::GroupKind::shard)], part,
                           false);
    }
  }
  return time;
}

double GatheredPasses::pass(const strategies::Chunk& chunk, PassKind kind) {
  const strategies::Program program =
      units_.emit(scenario_, table_, plan_, {chunk}, {{kind, 0, 0}}, micro_batches_);
  const double time = time_program(program, shapes_, prices_, units_.stretch(scenario_)).passes;
  if (kind == PassKind::forward || !scenario_.implementation.keeps_last_gathered) return time;
  return std::max(0.0, time - still_there(chunk, program));
}

// What the gathers of those units take that are still there from the forward (FSDP keeps the last).
// Taken out of the pass, they shorten it by no more than this. Backward gathers them first.
double GatheredPasses::still_there(const strategies::Chunk& chunk,
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
      std::max<std::int64_t>(1, scenario_.implementation.gathers_per_layer));
  std::size_t most = 2 * parts * units;
  double time = 0.0;
  for (const strategies::Op& op : backward.ops()) {
    if (op.stream != strategies::Stream::gather || most == 0) continue;
    time += prices_.price(op, shapes_).time;
    --most;
  }
  return time;
}

}  // namespace studies
