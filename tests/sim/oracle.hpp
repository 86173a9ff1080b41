// A slow second engine with which the real one is compared, to the bit. It follows the definitions
// in sim/simulate.hpp and sim/task_graph.hpp and shares none of the engine's structures: every
// flow on its own, one global max-min solve an instant, linear scans instead of a queue.
#pragma once

#include <vector>

#include "sim/simulate.hpp"

namespace sim::test {

struct OracleFlow {
  std::vector<LinkUse> uses;
  double cap = 0.0;  // 0 = none
};

// Rates of all flows by progressive filling over the whole network.
std::vector<double> oracle_rates(const IdVector<LinkId, Link>& links,
                                 const std::vector<OracleFlow>& flows);

Timeline oracle_simulate(const IdVector<LinkId, Link>& links, const TaskGraph& graph,
                         const SimulateOptions& options);

}  // namespace sim::test
