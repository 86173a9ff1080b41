// Levels of switches above NICs: what fat trees and rail-optimised fabrics share.
//
// The parallel uplinks of a switch, and all switches of a level that they lead to, are one link to
// one vertex of their total capacity: ideal load balancing (adaptive routing, or ECMP over many
// flows). Collisions of ECMP hashes are thus not modelled. Uplinks have their designed capacity
// even where a switch is only partly populated.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "topologies/assembly.hpp"

namespace topologies {

struct Clos {
  std::int64_t leaves = 1;
  std::int64_t nics_per_leaf = 1;   // by design
  std::int64_t leaves_per_pod = 0;  // 0 = two levels
};

// Adds the switches, joined as the spec's oversubscription says; returns the leaves. One leaf needs
// no spine, one pod no core. Two levels: leaf - spine. Three: leaf - spine (of a pod) - core.
std::vector<VertexId> add_switches(Assembly& assembly, const Clos& clos);

// Joins a NIC to its leaf. Two such joints carry the inter_latency.
void attach_nic(Assembly& assembly, VertexId nic, VertexId leaf);

// Latency that a further switch and the cable to it add, where the spec gives none.
sim::Time usual_hop_latency(InterType type);

void check_clos(const ClusterSpec& spec, std::vector<std::string>& problems);

}  // namespace topologies
