// The shape of a group as the collectives' cost model wants it.
#pragma once

#include <cstdint>
#include <span>

#include "collectives/collective.hpp"
#include "sim/machine.hpp"

namespace strategies {

// Of ranks in ring order, rank r on device r. Groups whose members lie alike have equal shapes:
// domains are renumbered by first appearance, places inside a domain counted from the first one
// used.
collectives::GroupShape group_shape(std::span<const std::int64_t> members,
                                    const sim::Machine& machine);

}  // namespace strategies
