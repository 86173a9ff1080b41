#include "strategies/saved.hpp"

#include <algorithm>
#include <cmath>

namespace strategies {
namespace {

std::int64_t layer_position(const Chunk& chunk, std::size_t unit) {
  return std::count_if(chunk.units.begin(), chunk.units.begin() + static_cast<std::ptrdiff_t>(unit),
                       [](const Unit& each) { return each.cost->is_layer; });
}

}  // namespace

bool rebuilt_in_backward(const StepContext& context, const Chunk& chunk, std::size_t unit) {
  const RecomputePlan& plan = context.training->recompute;
  if (plan.mode != Recompute::full || !chunk.units[unit].cost->is_layer) return false;
  return plan.layers == 0 || layer_position(chunk, unit) < plan.layers;
}

bool keeps_checkpoint(const StepContext& context, const Chunk& chunk, std::size_t unit) {
  return layer_position(chunk, unit) % context.training->recompute.every == 0;
}

sim::Bytes kept_for_backward(const StepContext& context, const Chunk& chunk, std::size_t unit) {
  const UnitCost& cost = *chunk.units[unit].cost;
  if (!rebuilt_in_backward(context, chunk, unit)) return cost.saved;
  return keeps_checkpoint(context, chunk, unit) ? cost.checkpoint : sim::Bytes{0};
}

sim::Bytes stays_on_device(const StepContext& context, sim::Bytes kept) {
  return sim::Bytes{kept.count() - offloaded(kept.count(), context.plan->offload.activations)};
}

std::int64_t offloaded(std::int64_t count, double part) {
  return static_cast<std::int64_t>(std::floor(static_cast<double>(count) * part));
}

}  // namespace strategies
