// Where the time of one rank went.
#pragma once

#include "scenarios/report.hpp"
#include "sim/simulate.hpp"
#include "strategies/lower.hpp"

namespace scenarios {

// The part of a breakdown that an activity counts to.
sim::Time& share_of(Breakdown& out, strategies::Activity activity);

// Adds up to timeline.makespan exactly. Compute counts by activity. A gap in the compute stream is
// put down to what its end waited for: while a transfer runs, to its dimension; before a message of
// a neighbour stage (or the last member of a group) is there, to the pipeline bubble; else `other`.
Breakdown breakdown_of_rank(const strategies::Program& program, const strategies::LoweredStep& step,
                            const sim::Timeline& timeline, sim::RankId rank);

// The simulated rank whose compute ends last; of several the first.
sim::RankId last_rank(const strategies::LoweredStep& step, const sim::Timeline& timeline);

}  // namespace scenarios
