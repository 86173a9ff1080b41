// What stands behind the numbers in a topology.
#include <algorithm>
#include <array>

#include "formats/nccl_topology.hpp"

namespace formats {
namespace {

// PCI numbers of devices that the catalogue has (pci-ids.ucw.cz).
struct KnownDevice {
  std::string_view vendor, device, name;
};
constexpr std::array kDevices{
    KnownDevice{"0x10de", "0x1db1", "v100-16gb"},
    KnownDevice{"0x10de", "0x1db5", "v100-32gb"},
    KnownDevice{"0x10de", "0x1db8", "v100-32gb"},
    KnownDevice{"0x10de", "0x1e02", "titan-rtx"},
    KnownDevice{"0x10de", "0x20b0", "a100-40gb"},
    KnownDevice{"0x10de", "0x20b1", "a100-40gb-pcie"},
    KnownDevice{"0x10de", "0x20f1", "a100-40gb-pcie"},
    KnownDevice{"0x10de", "0x20b2", "a100-80gb"},
    KnownDevice{"0x10de", "0x20b5", "a100-80gb-pcie"},
    KnownDevice{"0x10de", "0x20f3", "a800-80gb"},
    KnownDevice{"0x10de", "0x2204", "rtx-3090"},
    KnownDevice{"0x10de", "0x2230", "a6000"},
    KnownDevice{"0x10de", "0x2237", "a10g"},
    KnownDevice{"0x10de", "0x2684", "rtx-4090"},
    KnownDevice{"0x10de", "0x26b9", "l40s"},
    KnownDevice{"0x10de", "0x2330", "h100-80gb"},
    KnownDevice{"0x10de", "0x2331", "h100-80gb-pcie"},
    KnownDevice{"0x10de", "0x2321", "h100-nvl"},
    KnownDevice{"0x10de", "0x2335", "h200"},
    KnownDevice{"0x10de", "0x2324", "h800-80gb"},
    KnownDevice{"0x10de", "0x2329", "h20"},
    KnownDevice{"0x10de", "0x2901", "b200"},
    KnownDevice{"0x10de", "0x3182", "b300"},
    KnownDevice{"0x10de", "0x2941", "gb200"},
    KnownDevice{"0x10de", "0x31c2", "gb300"},
    KnownDevice{"0x1002", "0x7408", "mi250x"},
    KnownDevice{"0x1002", "0x740c", "mi250x"},
    KnownDevice{"0x1002", "0x74a1", "mi300x"},
    KnownDevice{"0x1002", "0x74a5", "mi325x"},
    KnownDevice{"0x1002", "0x75a3", "mi355x"},
};

// One NVLink in one direction (data sheets: P100 4 links 160 GB/s, V100 6 300, A100 12 600,
// A6000 4 112.5, H100 18 900, B200 18 1800, each both directions).
constexpr std::array kGenerations{
    CudaGeneration{103, "b300", 50.0},     CudaGeneration{100, "b200", 50.0},
    CudaGeneration{90, "h100-80gb", 25.0}, CudaGeneration{89, "l40s", 0.0},
    CudaGeneration{86, "a6000", 14.0625},  CudaGeneration{80, "a100-80gb", 25.0},
    CudaGeneration{75, "titan-rtx", 25.0}, CudaGeneration{70, "v100-32gb", 25.0}};

// What a PCIe slot of 16 lanes sustains (host copies, as in scenarios/catalogue/devices).
struct PcieGeneration {
  double rate;  // GT/s
  std::string_view type;
  double gigabytes;
};
constexpr std::array kPcie{PcieGeneration{32.0, "pcie5", 51.0}, PcieGeneration{16.0, "pcie4", 26.2},
                           PcieGeneration{8.0, "pcie3", 12.4}};

}  // namespace

std::string_view catalogue_device(const TopologyGpu& gpu) {
  const auto known = std::find_if(kDevices.begin(), kDevices.end(), [&](const auto& each) {
    return each.vendor == gpu.vendor && each.device == gpu.device;
  });
  return known == kDevices.end() ? std::string_view{} : known->name;
}

const CudaGeneration* generation_of(const TopologyGpu& gpu) {
  // Dumps without vendors are NCCL's; RCCL, too, writes an sm, which says nothing.
  if (!gpu.vendor.empty() && gpu.vendor != "0x10de") return nullptr;
  const auto found =
      std::find_if(kGenerations.begin(), kGenerations.end(),
                   [&](const CudaGeneration& each) { return each.capability <= gpu.capability; });
  return found == kGenerations.end() ? nullptr : &*found;
}

PcieSlot pcie_slot(const TopologyGpu& gpu) {
  const auto found = std::find_if(kPcie.begin(), kPcie.end(), [&](const PcieGeneration& each) {
    return each.rate <= gpu.pcie_rate;
  });
  if (found == kPcie.end() || gpu.pcie_lanes <= 0) return {};
  return {found->type, found->gigabytes * static_cast<double>(gpu.pcie_lanes) / 16.0};
}

std::string_view network_type(const TopologyNet& net) {
  const auto begins = [&](std::string_view with) { return net.name.starts_with(with); };
  if (net.vendor == "0x1d0f") return "efa";
  if (begins("cxi")) return "slingshot";
  if (begins("hfi1") || begins("opa")) return "omnipath";
  if (net.pci_class.starts_with("0x0207") || begins("ib")) return "infiniband";
  const bool verbs = begins("mlx") || begins("bnxt_re") || begins("irdma") || begins("rocep") ||
                     begins("rdma") || begins("ionic");
  return verbs ? "roce" : "ethernet";
}

}  // namespace formats
