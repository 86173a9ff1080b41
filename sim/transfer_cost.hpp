// What a transfer costs alone, and what transfers load on links; shared by both fidelities.
#pragma once

#include <vector>

#include "sim/ids.hpp"
#include "sim/task_graph.hpp"

namespace sim {

// The rate (bytes/s on a link of weight 1) that the links of a traffic allow a lone transfer;
// infinite without links.
double quiet_rate(const IdVector<LinkId, Link>& links, std::span<const LinkUse> uses);

// The same of every traffic of a graph.
std::vector<double> quiet_rates(const IdVector<LinkId, Link>& links, const TaskGraph& graph);

// The same with the transfer's own cap (0 = none).
double capped_rate(double rate, double cap);

// Time for the bytes alone at `rate`, which may be infinite. Rounded up to a picosecond.
Time time_to_move(Bytes bytes, double rate);

// Bytes that each link carries when every transfer of the graph has run.
std::vector<double> total_link_bytes(std::size_t link_count, const TaskGraph& graph);

}  // namespace sim
