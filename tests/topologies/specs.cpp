#include "specs.hpp"

#include "topologies/analysis.hpp"

namespace topologies::testing {

using sim::Bandwidth;
using sim::Time;

ClusterSpec h100(std::int64_t gpus, FabricShape fabric, std::int64_t leaf) {
  ClusterSpec spec;
  spec.name = "h100";
  spec.gpus = gpus;
  spec.intra_bandwidth = Bandwidth::gb_per_s(450);
  spec.intra_latency = Time::ns(601);  // odd in ps halves: nothing may be lost in the split
  spec.pcie_bandwidth = Bandwidth::gb_per_s(51);
  spec.nic_bandwidth = Bandwidth::gb_per_s(50);
  spec.inter_latency = Time::ps(2'500'001);
  spec.fabric = fabric;
  spec.nodes_per_leaf = leaf;
  return spec;
}

ClusterSpec llama3(std::int64_t gpus) {
  ClusterSpec spec = h100(gpus, FabricShape::fat_tree, 2);
  spec.name = "llama3";
  spec.inter = InterType::roce;
  spec.leaves_per_pod = 192;
  spec.oversubscription = 7;
  return spec;
}

ClusterSpec dgx1(std::int64_t gpus) {
  ClusterSpec spec = h100(gpus, FabricShape::fat_tree, 16);
  spec.name = "dgx1";
  spec.intra = IntraType::nvlink_mesh;
  spec.intra_bandwidth = Bandwidth::gb_per_s(150);
  spec.pcie_bandwidth = Bandwidth::gb_per_s(12);
  spec.nics_per_node = 4;
  spec.nic_bandwidth = Bandwidth::gb_per_s(12.5);
  return spec;
}

ClusterSpec polaris(std::int64_t gpus) {
  ClusterSpec spec = h100(gpus, FabricShape::fat_tree, 16);
  spec.name = "polaris";
  spec.gpus_per_node = 4;
  spec.gpus_per_pcie_switch = 4;
  spec.intra = IntraType::nvlink_mesh;
  spec.intra_bandwidth = Bandwidth::gb_per_s(300);
  spec.inter = InterType::slingshot;
  spec.nics_per_node = 2;
  spec.nic_bandwidth = Bandwidth::gb_per_s(25);
  return spec;
}

ClusterSpec mi300x(std::int64_t gpus) {
  ClusterSpec spec = h100(gpus, FabricShape::rail_optimised, 4);
  spec.name = "mi300x";
  spec.intra = IntraType::xgmi_mesh;
  spec.intra_bandwidth = Bandwidth::gb_per_s(448);
  return spec;
}

ClusterSpec nvl72(std::int64_t gpus) {
  ClusterSpec spec = h100(gpus, FabricShape::rail_optimised, 18);
  spec.name = "nvl72";
  spec.gpus_per_node = 4;
  spec.nvlink_domain = 72;
  spec.nics_per_node = 4;
  spec.intra_bandwidth = Bandwidth::gb_per_s(900);
  return spec;
}

ClusterSpec pcie_box(std::int64_t gpus) {
  ClusterSpec spec = h100(gpus, FabricShape::single_switch, 16);
  spec.name = "pcie";
  spec.intra = IntraType::pcie;
  spec.intra_bandwidth = Bandwidth::gb_per_s(26);
  spec.pcie_bandwidth = Bandwidth::gb_per_s(26);
  spec.nics_per_node = 1;
  spec.nic_bandwidth = Bandwidth::gb_per_s(12.5);
  return spec;
}

ClusterSpec tpu(std::vector<std::int64_t> extents) {
  ClusterSpec spec;
  spec.name = "tpu";
  spec.gpus = 1;
  for (const std::int64_t extent : extents) spec.gpus *= extent;
  spec.gpus_per_node = spec.gpus % 4 == 0 ? 4 : 1;
  spec.intra = IntraType::none;
  spec.intra_bandwidth = Bandwidth::gb_per_s(300);
  spec.intra_latency = Time::us(1);
  spec.pcie_bandwidth = Bandwidth::gb_per_s(16);
  spec.nics_per_node = 0;
  spec.fabric = FabricShape::torus;
  spec.torus = std::move(extents);
  return spec;
}

std::vector<ClusterSpec> small_specs() {
  ClusterSpec pods = llama3(16 * 6);
  pods.leaves_per_pod = 2;
  ClusterSpec pairs = pcie_box(16);  // boards joined by NVLink bridges
  pairs.intra = IntraType::nvlink_mesh;
  pairs.nvlink_domain = 2;
  ClusterSpec bare = h100(16, FabricShape::fat_tree, 1);  // nothing known of PCIe
  bare.intra = IntraType::none;
  bare.pcie_bandwidth = {};
  return {h100(1, FabricShape::fat_tree, 16),
          h100(3, FabricShape::fat_tree, 16),
          h100(64, FabricShape::fat_tree, 2),
          h100(64, FabricShape::rail_optimised, 2),
          h100(32, FabricShape::single_switch, 2),
          pods,
          pairs,
          bare,
          dgx1(8),
          dgx1(32),
          polaris(16),
          mi300x(64),
          nvl72(144),
          pcie_box(8),
          pcie_box(24),
          tpu({4}),
          tpu({3, 5}),
          tpu({4, 4, 4}),
          tpu({2, 1, 6})};
}

std::vector<sim::LinkId> route(const sim::Machine& machine, std::int64_t from, std::int64_t to) {
  std::vector<sim::LinkId> links;
  machine.route(device(from), device(to), links);
  return links;
}

std::string way(const sim::Machine& machine, std::int64_t from, std::int64_t to) {
  std::string text = "gpu" + std::to_string(from);
  for (const Hop& hop : path_between(machine, device(from), device(to)).hops) text += " " + hop.to;
  return text;
}

sim::Time latency(const sim::Machine& machine, std::int64_t from, std::int64_t to) {
  return path_between(machine, device(from), device(to)).latency;
}

double gb_per_s(sim::Bandwidth rate) { return rate.bytes_per_second() / 1e9; }

}  // namespace topologies::testing
