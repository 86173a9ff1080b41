// A machine in the making: what the families of a topology share while they build their parts.
#pragma once

#include <cstdint>
#include <vector>

#include "topologies/cluster.hpp"
#include "topologies/forest.hpp"
#include "topologies/network.hpp"
#include "topologies/scale_up.hpp"

namespace topologies {

// Figures that follow from a spec. REQUIRES (of the constructor): positive counts.
struct Sizes {
  explicit Sizes(const ClusterSpec& spec);

  std::int64_t gpus;
  std::int64_t nodes;
  std::int64_t node_gpus;   // present in each node: less than gpus_per_node in a partly used one
  std::int64_t domain;      // devices of one NVLink/xGMI domain
  std::int64_t nics;        // per node, after bundling: at most one a GPU; 0 without a network
  sim::Bandwidth nic_rate;  // of each of those

  // The NIC (inside its node) that a device (inside its node) uses.
  std::int64_t nic_of(std::int64_t local_gpu) const { return local_gpu * nics / full_node_; }
  // The first device that uses a NIC: the NIC sits on that device's PCIe switch.
  std::int64_t first_gpu_of(std::int64_t nic) const { return (nic * full_node_ + nics - 1) / nics; }

 private:
  std::int64_t full_node_;
};

struct Assembly {
  explicit Assembly(const ClusterSpec& cluster);

  const ClusterSpec& spec;
  Sizes sizes;
  Network network;
  ScaleUp scale_up;
  Forest pcie;                  // devices and NICs under PCIe switches under hosts
  Forest fabric;                // NICs under leaf, spine and core switches
  std::vector<VertexId> nics;   // by node * sizes.nics + nic
  std::vector<VertexId> hosts;  // by node: the first socket; empty without PCIe
  bool rails = false;           // NIC i of every node of a unit shares a leaf

  VertexId gpu(std::int64_t device) const { return VertexId{static_cast<std::size_t>(device)}; }
  VertexId nic(std::int64_t node, std::int64_t i) const { return nics[node * sizes.nics + i]; }
};

// Half of a time, rounded down; the other half is time - half(time).
inline sim::Time half(sim::Time time) { return sim::Time::ps(time.count() / 2); }

// A vertex of a server, or of the network where no node is given.
Vertex make_vertex(VertexKind kind, std::int64_t index, std::int64_t node = kNoNode);

}  // namespace topologies
