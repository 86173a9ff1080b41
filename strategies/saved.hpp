// What a unit keeps on a rank from its forward to its backward.
#pragma once

#include <cstddef>

#include "sim/units.hpp"
#include "strategies/step_context.hpp"

namespace strategies {

// Full recomputation: backward runs this unit's forward again. The first `layers` layers of a chunk
// (0 = all), from a checkpoint every `every` layers.
bool rebuilt_in_backward(const StepContext& context, const Chunk& chunk, std::size_t unit);
bool keeps_checkpoint(const StepContext& context, const Chunk& chunk, std::size_t unit);

// Activations, or the checkpoint they are rebuilt from, wherever they are kept.
sim::Bytes kept_for_backward(const StepContext& context, const Chunk& chunk, std::size_t unit);
// The part of them that is not offloaded.
sim::Bytes stays_on_device(const StepContext& context, sim::Bytes kept);

// The part of a count that offloading moves to the host.
std::int64_t offloaded(std::int64_t count, double part);

}  // namespace strategies
