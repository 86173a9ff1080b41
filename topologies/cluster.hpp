// Parameters of a cluster, and the Machine built from them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/machine.hpp"
#include "sim/units.hpp"

namespace topologies {

enum class IntraType : std::uint8_t { nvlink_switch, nvlink_mesh, xgmi_mesh, pcie, none };
enum class InterType : std::uint8_t { infiniband, roce, efa, slingshot, ethernet, omnipath };
enum class FabricShape : std::uint8_t { fat_tree, rail_optimised, torus, single_switch };

struct ClusterSpec {
  std::string name;
  std::int64_t gpus = 1;
  std::int64_t gpus_per_node = 8;
  std::int64_t nvlink_domain = 0;  // devices per NVLink domain; 0 = gpus_per_node
  // Inside a node.
  IntraType intra = IntraType::nvlink_switch;
  sim::Bandwidth intra_bandwidth;  // per device, one direction
  sim::Time intra_latency;
  sim::Bandwidth pcie_bandwidth;          // per device to its host, one direction
  std::int64_t gpus_per_pcie_switch = 2;  // they share one uplink of pcie_bandwidth to the host
  sim::Bandwidth nvme_bandwidth;          // of a node's drives together; 0 = there are none
  sim::Bandwidth host_memory_bandwidth;   // of a node's processors, all channels; 0 = not known
  sim::Bandwidth inter_socket_bandwidth;  // one direction; 0 = two UPI links (pcie_tree.cpp)
  // Between nodes.
  InterType inter = InterType::infiniband;
  std::int64_t nics_per_node = 8;
  sim::Bandwidth nic_bandwidth;  // per NIC, one direction
  sim::Time inter_latency;       // end to end, NIC to NIC, through one switch
  sim::Time hop_latency;  // each further switch on the way; 0 = usual for the type (clos.hpp)
  FabricShape fabric = FabricShape::fat_tree;
  std::int64_t nodes_per_leaf = 16;  // fat tree: nodes under one leaf; rail-optimised: per unit
  std::int64_t leaves_per_pod = 0;   // 0 = two levels; else a third level joins pods of leaves
  double oversubscription = 1.0;     // of the leaf uplinks (two levels) or pod uplinks (three)
  std::vector<std::int64_t> torus;   // torus of devices: extent of each dimension, product = gpus
  // For reports.
  double price_per_gpu_hour_usd = 0.0;
  double power_per_gpu_w = 0.0;
  std::int64_t real_gpus = 0;  // what the real cluster has; more is allowed with a warning; 0 = any
};

// What makes a spec impossible, one sentence each, for the reader of scenarios to report; empty =
// build_machine accepts it.
std::vector<std::string> problems(const ClusterSpec& spec);

// Builds the graph of devices, switches and NICs and freezes it with its routes. Deterministic;
// O(gpus); no names are stored (topologies/layout.hpp computes them).
// REQUIRES: problems(spec).empty(), else sim::ContractViolation with the first problem.
sim::Machine build_machine(const ClusterSpec& spec);

}  // namespace topologies
