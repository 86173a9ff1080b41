// The topology of a server as NCCL and RCCL dump it (NCCL_TOPO_DUMP_FILE). Internal to
// nccl_topology.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace formats {

struct NvLink {
  std::string target;  // PCI address of what is at the other end
  std::int64_t count = 0;
  bool to_switch = false;
};

struct TopologyGpu {
  std::size_t line = 0;
  int column = 0;
  std::string bus;                 // PCI address
  std::string vendor, device;      // PCI numbers, as 0x10de; empty = not in the file
  std::int64_t capability = 0;     // of CUDA, as 90; 0 = not in the file
  double pcie_rate = 0.0;          // GT/s a lane; 0 = not known
  std::int64_t pcie_lanes = 0;     // 0 = not known
  bool beside_cpu = false;         // a link of its own to the processor (NVLink-C2C)
  std::size_t host = 0, root = 0;  // which host, and which PCIe root port: numbered as they come
  std::vector<NvLink> nvlinks;
  bool xgmi = false;
};

struct TopologyNet {
  std::size_t line = 0;
  std::string name, vendor, pci_class;
  std::int64_t megabits = 0;  // per second; 0 = not known
  std::size_t host = 0;
};

struct Topology {
  std::vector<TopologyGpu> gpus;
  std::vector<TopologyNet> nets;
  std::size_t hosts = 0;
};

// Throws ScenarioError, with file, line and column, for what is no such dump.
Topology read_topology(const std::string& text, const std::string& file);

// ----- What stands behind the numbers (nccl_devices.cpp).

std::string_view catalogue_device(const TopologyGpu& gpu);  // by its PCI number; empty = not known

// By CUDA's compute capability: a device for where its PCI number says nothing, and the rate of one
// NVLink in one direction.
struct CudaGeneration {
  std::int64_t capability;
  std::string_view device;
  double nvlink;  // GB/s; 0 = none
};
const CudaGeneration* generation_of(const TopologyGpu& gpu);  // none for other vendors

struct PcieSlot {
  std::string_view type;   // of cluster.intra_node
  double gigabytes = 0.0;  // per second; 0 = not known
};
PcieSlot pcie_slot(const TopologyGpu& gpu);

// As cluster.inter_node.type has it: by the vendor and class of the port (PCI Code and ID
// Assignment: 0x0207 InfiniBand, 0x0200 Ethernet) and the names that drivers give.
std::string_view network_type(const TopologyNet& net);

}  // namespace formats
