// Pictures of a machine: Graphviz, and a text tree for the terminal.
#pragma once

#include <ostream>
#include <string>

#include "sim/machine.hpp"

namespace topologies {

// An undirected Graphviz graph, a box around each server, one edge a pair of links labelled with
// its capacity in one direction. Names are quoted and escaped.
void write_dot(const sim::Machine& machine, std::ostream& out);

// The switch levels of the network, then one server, then the links of device 0. Equal branches are
// drawn once, with their number.
std::string text_tree(const sim::Machine& machine);

// "450 GB/s", "21.94 TB/s": four digits, decimal units.
std::string rate_text(sim::Bandwidth rate);
// "2.5 us".
std::string latency_text(sim::Time latency);

}  // namespace topologies
