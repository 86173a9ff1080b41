// The device and cluster part of the Resolver.
#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "scenarios/resolve.hpp"

namespace scenarios {
namespace {

using models::Architecture;
using sim::Bandwidth;
using sim::Time;
using topologies::FabricShape;
using topologies::InterType;
using topologies::IntraType;

// One x16 slot in one direction: lanes · GT/s · 128/130 / 8 (PCI Express base specifications).
constexpr Bandwidth kPcie3{15.754e9}, kPcie4{31.508e9}, kPcie5{63.015e9};

// Port to port through one switch, where the scenario and the catalogue say nothing. Verbs or
// libfabric ping-pong of small messages; ethernet: kernel TCP; efa: the SRD transport.
Time usual_latency(InterType type) {
  switch (type) {
    case InterType::infiniband:
      return Time::ns(1500);
    case InterType::roce:
      return Time::ns(2500);
    case InterType::efa:
      return Time::us(15);
    case InterType::slingshot:
      return Time::ns(2000);
    case InterType::ethernet:
      return Time::us(15);
    case InterType::omnipath:
      return Time::ns(1300);
  }
  return Time::ns(2500);
}

// The port of the reference server of the device's time: DGX-1/2 EDR, DGX A100 HDR, DGX H100 NDR.
Bandwidth usual_port(Architecture architecture) {
  switch (architecture) {
    case Architecture::volta:
    case Architecture::turing:
      return Bandwidth{12.5e9};
    case Architecture::ampere:
    case Architecture::ada:
    case Architecture::cdna:
      return Bandwidth{25e9};
    default:
      return Bandwidth{50e9};
  }
}

bool is_nvlink(IntraType type) {
  return type == IntraType::nvlink_switch || type == IntraType::nvlink_mesh;
}

// Extents of a torus of `count` devices, as near to a cube as its prime factors allow.
std::vector<std::int64_t> torus_extents(std::int64_t count, std::size_t dimensions) {
  std::vector<std::int64_t> factors;
  for (std::int64_t f = 2; f * f <= count; ++f) {
    for (; count % f == 0; count /= f) factors.push_back(f);
  }
  if (count > 1) factors.push_back(count);
  std::vector<std::int64_t> extents(dimensions, 1);
  for (auto factor = factors.rbegin(); factor != factors.rend(); ++factor) {
    *std::min_element(extents.begin(), extents.end()) *= *factor;
  }
  std::sort(extents.begin(), extents.end());
  return extents;
}

IntraType exact_type(const std::string& word, const std::string& device_type) {
  if (word == "nvlink") {
    return device_type == "nvlink_mesh" ? IntraType::nvlink_mesh : IntraType::nvlink_switch;
  }
  if (word == "nvlink_switch") return IntraType::nvlink_switch;
  if (word == "nvlink_mesh") return IntraType::nvlink_mesh;
  if (word.starts_with("xgmi")) return IntraType::xgmi_mesh;
  return word.starts_with("pcie") ? IntraType::pcie : IntraType::none;
}

}  // namespace

void Resolver::device() {
  const std::string hint = "name a catalogue device (`stepcast list devices`), or give it";
  for (const char* key :
       {"cluster.device.peak", "cluster.device.memory", "cluster.device.memory_bandwidth"}) {
    require(key, hint);
  }
  models::Device& device = draft_.device.device;
  device.name = draft_.device.base.empty() ? "inline" : draft_.device.base;
  settle("cluster.device.usable_memory", device.usable_memory, device.memory, "memory");
  settle("cluster.device.vector_peak", device.vector_peak, device.peak[0], "peak of fp32");
  settle("cluster.device.sm_count", device.sm_count, 100, "default");
  if (!given("cluster.device.gemm_efficiency")) device.gemm_efficiency.fill(0.7);
}

// Devices and replicas: whichever is missing follows from the other.
void Resolver::cluster_size() {
  auto& spec = draft_.cluster.spec;
  spec.name = draft_.cluster.preset.empty() ? "inline" : draft_.cluster.preset;
  settle("cluster.gpus", spec.gpus, spec.gpus_per_node, "one node");
  settle("cluster.nvlink_domain", spec.nvlink_domain, spec.gpus_per_node, "gpus_per_node");
}

void Resolver::intra_node() {
  auto& spec = draft_.cluster.spec;
  const DeviceDraft& device = draft_.device;
  std::string& word = draft_.cluster.intra_type;
  settle("cluster.intra_node.type", word, device.scale_up_type, "the device");
  spec.intra = exact_type(word, device.scale_up_type);
  Bandwidth host = device.device.pcie;
  if (word == "pcie3") host = kPcie3;
  if (word == "pcie4") host = kPcie4;
  if (word == "pcie5") host = kPcie5;
  const bool device_pcie = device.device.pcie.bytes_per_second() > 0.0;
  settle("cluster.pcie", spec.pcie_bandwidth, device_pcie ? device.device.pcie : host,
         "the device");
  const bool pcie = spec.intra == IntraType::pcie;
  settle("cluster.intra_node.bandwidth", spec.intra_bandwidth, pcie ? host : device.device.scale_up,
         pcie ? "the PCIe generation" : "the device");
  // One hop as NCCL's tuning counts it (hwLat of the LL protocol in src/graph/tuning.cc): 0.6 us
  // over NVLink, 1.0 us over PCIe.
  Time hop = pcie ? Time::ns(1000) : Time::ns(600);
  if (!pcie && device.scale_up_latency > Time::zero()) hop = device.scale_up_latency;
  settle("cluster.intra_node.latency", spec.intra_latency, hop, "the device");
  if (pcie && spec.pcie_bandwidth.bytes_per_second() <= 0.0) {
    spec.pcie_bandwidth = spec.intra_bandwidth;
  }
}

// A catalogue torus of another size is cut or grown to the devices of the job.
void Resolver::fit_torus() {
  auto& spec = draft_.cluster.spec;
  std::int64_t product = 1;
  for (const std::int64_t extent : spec.torus) product *= extent;
  if (given_by_user("cluster.inter_node.torus")) return;
  if (!spec.torus.empty() && product == spec.gpus) return;
  const std::size_t dimensions = spec.torus.empty() ? 3 : spec.torus.size();
  spec.torus = torus_extents(spec.gpus, dimensions);
  draft_.given.erase("cluster.inter_node.torus");
  draft_.origins["cluster.inter_node.torus"] = "cluster.gpus";
}

void Resolver::inter_node() {
  auto& spec = draft_.cluster.spec;
  settle("cluster.inter_node.nics_per_node", spec.nics_per_node, spec.gpus_per_node,
         "gpus_per_node");
  settle("cluster.inter_node.bandwidth", spec.nic_bandwidth,
         usual_port(draft_.device.device.architecture), "the device's generation");
  settle("cluster.inter_node.latency", spec.inter_latency, usual_latency(spec.inter),
         "the network's type");
  const bool rails = is_nvlink(spec.intra) && spec.nics_per_node == spec.gpus_per_node &&
                     (spec.inter == InterType::infiniband || spec.inter == InterType::roce);
  settle("cluster.inter_node.fabric", spec.fabric,
         rails ? FabricShape::rail_optimised : FabricShape::fat_tree, "default");
  if (spec.fabric == FabricShape::torus) fit_torus();
  settle("cluster.power", spec.power_per_gpu_w, draft_.device.device.power_w, "the device");
  if (spec.real_gpus > 0 && spec.gpus > spec.real_gpus) {
    warn(fmt::format("{} has {} devices; {} are simulated by extending its fabric", spec.name,
                     spec.real_gpus, spec.gpus),
         "cluster.gpus");
  }
}

}  // namespace scenarios
