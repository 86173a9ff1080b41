#include "scenarios/network.hpp"

namespace scenarios {
namespace {

using collectives::Generation;
using collectives::Interconnect;
using collectives::Network;

Interconnect interconnect(topologies::IntraType type) {
  switch (type) {
    case topologies::IntraType::nvlink_switch:
      return Interconnect::nvlink_switch;
    case topologies::IntraType::nvlink_mesh:
      return Interconnect::nvlink_mesh;
    case topologies::IntraType::xgmi_mesh:
      return Interconnect::xgmi_mesh;
    case topologies::IntraType::pcie:
      return Interconnect::pcie;
    case topologies::IntraType::none:
      return Interconnect::none;
  }
  return Interconnect::none;
}

Network network(topologies::InterType type) {
  switch (type) {
    case topologies::InterType::infiniband:
      return Network::infiniband;
    case topologies::InterType::roce:
      return Network::roce;
    case topologies::InterType::efa:
      return Network::efa;
    case topologies::InterType::slingshot:
      return Network::slingshot;
    case topologies::InterType::ethernet:
      return Network::ethernet;
    case topologies::InterType::omnipath:
      return Network::omnipath;
  }
  return Network::ethernet;
}

Generation generation(models::Architecture architecture) {
  switch (architecture) {
    case models::Architecture::volta:
      return Generation::volta;
    case models::Architecture::ampere:
      return Generation::ampere;
    case models::Architecture::hopper:
      return Generation::hopper;
    case models::Architecture::blackwell:
      return Generation::blackwell;
    default:
      return Generation::other;
  }
}

}  // namespace

collectives::Fabric fabric_of(const Scenario& scenario) {
  const topologies::ClusterSpec& cluster = scenario.cluster;
  collectives::Fabric fabric;
  fabric.intra = interconnect(cluster.intra);
  fabric.inter = network(cluster.inter);
  fabric.generation = generation(scenario.device.architecture);
  fabric.intra_bandwidth = cluster.intra_bandwidth;
  fabric.intra_latency = cluster.intra_latency;
  const std::int64_t domain =
      cluster.nvlink_domain > 0 ? cluster.nvlink_domain : cluster.gpus_per_node;
  fabric.domain_size = static_cast<std::uint32_t>(domain);
  const double nodes_per_domain =
      static_cast<double>(domain) / static_cast<double>(cluster.gpus_per_node);
  const double nics = static_cast<double>(cluster.nics_per_node) * nodes_per_domain;
  fabric.nics_per_domain = static_cast<std::uint32_t>(nics);
  fabric.inter_bandwidth = cluster.nic_bandwidth * nics;
  fabric.inter_latency = cluster.inter_latency;
  // In-switch reduction (NVLS) came with the third NVSwitch generation, Hopper's.
  fabric.multicast =
      cluster.intra == topologies::IntraType::nvlink_switch &&
      (fabric.generation == Generation::hopper || fabric.generation == Generation::blackwell);
  // aws-ofi-nccl reports this latency to NCCL's tuner, which chooses algorithms by it.
  if (cluster.inter == topologies::InterType::efa) fabric.plugin_latency = sim::Time::us(75);
  return fabric;
}

sim::Bandwidth host_memory_of(const Scenario& scenario) {
  // Memory sets the pace (docs/strategies.md, Offloading). DeepSpeed's CPUAdam sustains half of
  // what it could: 10 billion parameters of 30 bytes in 2.57 s, 1 billion in 0.22 s, on two Xeon
  // 8168 with 256 GB/s (arXiv 2101.06840, table of Adam's latency; recalled). Its documentation has
  // 5.1 to 6.5 times PyTorch's Adam for 1 to 10 billion (deepspeed.ai/training), no rate.
  constexpr double kSustained = 0.5;
  // Two sockets of eight channels DDR4-3200, the common accelerator server of 2020 to 2022.
  constexpr sim::Bandwidth kUsual = sim::Bandwidth::gb_per_s(409.6);
  const topologies::ClusterSpec& cluster = scenario.cluster;
  const sim::Bandwidth given = cluster.host_memory_bandwidth;
  const sim::Bandwidth node = given.bytes_per_second() > 0.0 ? given : kUsual;
  return node * (kSustained / static_cast<double>(cluster.gpus_per_node));
}

sim::Bandwidth nvme_of(const Scenario& scenario) {
  return scenario.cluster.nvme_bandwidth *
         (1.0 / static_cast<double>(scenario.cluster.gpus_per_node));
}

collectives::LibraryProfile library_of(const Scenario& scenario) {
  collectives::LibraryProfile library;
  library.version = scenario.implementation.library_version;
  library.ideal = scenario.implementation.ideal_communication;
  library.calibration = scenario.calibration;
  return library;
}

}  // namespace scenarios
