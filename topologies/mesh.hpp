// Domains of devices that are cabled directly to each other.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "topologies/assembly.hpp"

namespace topologies {

// Equal cables ("lanes") between the members of a domain: a symmetric matrix, zero = no cable.
struct MeshPlan {
  std::int64_t members = 0;
  std::vector<int> lanes;  // members x members
  sim::Bandwidth lane_rate;

  int at(std::int64_t i, std::int64_t j) const { return lanes[i * members + j]; }
};

// One cable of 1/(members - 1) of a device's bandwidth between every two members.
MeshPlan all_to_all(std::int64_t members, sim::Bandwidth per_device);

// The member that a message from i visits next on its way to j, at [i * members + j]: fewest hops,
// then thickest cables (Boost's Dijkstra). REQUIRES: a connected plan.
std::vector<std::uint8_t> next_hops(const MeshPlan& plan);

// Cables every domain of the machine by the plan. A hop costs the spec's intra_latency.
void build_mesh(Assembly& assembly, const MeshPlan& plan);

// Domains of a mesh lie inside one server and fill it evenly.
void check_mesh_domain(const ClusterSpec& spec, std::vector<std::string>& problems);

inline constexpr std::int64_t kLargestMesh = 32;  // more ports than any device has

}  // namespace topologies
