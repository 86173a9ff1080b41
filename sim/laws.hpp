// Laws that every Timeline obeys, asserted after the fact and without the engine's own state.
#pragma once

#include "sim/simulate.hpp"

namespace sim {

// Causality: every task starts after its predecessors and its host issue, takes at least its work,
// ends after its last launch and within the makespan.
void check_causality(const TaskGraph& graph, const Timeline& timeline);

// Capacity: no link carried more than capacity * makespan. Holds where transfers share links, not
// under Fidelity::analytic, where each is alone.
void check_link_totals(const IdVector<LinkId, Link>& links, const TaskGraph& graph, Time makespan);

}  // namespace sim
