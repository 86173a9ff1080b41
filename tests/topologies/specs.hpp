// Cluster specs that several tests build, and what they all check.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/machine.hpp"
#include "topologies/cluster.hpp"

namespace topologies::testing {

inline sim::DeviceId device(std::int64_t index) {
  return sim::DeviceId{static_cast<std::size_t>(index)};
}

// DGX H100 servers; `leaf` servers a leaf.
ClusterSpec h100(std::int64_t gpus, FabricShape fabric, std::int64_t leaf);
// 24,576 H100 as in the Llama 3 paper: racks of 2, pods of 192 racks, pods joined 1:7.
ClusterSpec llama3(std::int64_t gpus);
ClusterSpec dgx1(std::int64_t gpus);
ClusterSpec polaris(std::int64_t gpus);
ClusterSpec mi300x(std::int64_t gpus);
ClusterSpec nvl72(std::int64_t gpus);
ClusterSpec pcie_box(std::int64_t gpus);
ClusterSpec tpu(std::vector<std::int64_t> extents);

// All of the above in small sizes, with names.
std::vector<ClusterSpec> small_specs();

std::vector<sim::LinkId> route(const sim::Machine& machine, std::int64_t from, std::int64_t to);
// "gpu0 node0/nvswitch0 gpu1": the vertices on the way.
std::string way(const sim::Machine& machine, std::int64_t from, std::int64_t to);
sim::Time latency(const sim::Machine& machine, std::int64_t from, std::int64_t to);
double gb_per_s(sim::Bandwidth rate);

}  // namespace topologies::testing
