// The rows of `cluster:` and `cluster.device:`.
#include "scenarios/keys.hpp"

namespace scenarios {
namespace {

using models::Device;
using models::KernelRates;
using topologies::ClusterSpec;

constexpr std::string_view kIntraTypes[] = {"nvlink",    "nvlink_switch", "nvlink_mesh", "xgmi",
                                            "xgmi_mesh", "pcie",          "pcie3",       "pcie4",
                                            "pcie5",     "none"};
constexpr std::string_view kScaleUpTypes[] = {"nvlink_switch", "nvlink_mesh", "xgmi_mesh", "pcie",
                                              "none"};

constexpr Range kGpus{1, 1 << 20};  // ranks a simulation accepts
constexpr Range kRate{1e3, 1e15};   // bytes/s
constexpr Range kRateOrNone{1e3, 1e15, false, true};
constexpr Range kFlopRate{0, 1e18};
constexpr Range kLatency{0, 1e12};  // up to 1 s
constexpr Range kShare{0, 1, true};
constexpr Range kMemory{1 << 20, 1e18};
// Rates of kernels that arithmetic bounds (processor cores), in bytes that a fused kernel moves.
constexpr std::string_view kByMemory = "0 B/s (memory bounds it)";

template <auto... Path>
constexpr Key<Draft> spec(std::string_view path, std::string_view fallback, std::string_view doc,
                          Range range = {}, Dimension dimension = Dimension::none) {
  return key<Draft, &Draft::cluster, &ClusterDraft::spec, Path...>(path, fallback, doc, range,
                                                                   dimension);
}

template <auto... Path>
constexpr Key<Draft> device(std::string_view path, std::string_view fallback, std::string_view doc,
                            Range range = {}, Dimension dimension = Dimension::none) {
  return key<Draft, &Draft::device, &DeviceDraft::device, Path...>(path, fallback, doc, range,
                                                                   dimension);
}

constexpr Key<Draft> choose(Key<Draft> row, std::span<const std::string_view> choices) {
  row.info.choices = choices;
  row.info.type = ValueType::choice;
  return row;
}

const std::vector<Key<Draft>> kCluster = {
    key<Draft, &Draft::cluster, &ClusterDraft::preset>(
        "cluster.preset", "none",
        "Catalogue cluster to start from; `cluster: NAME` is short for it."),
    spec<&ClusterSpec::gpus>("cluster.gpus",
                             "tp·cp·pp·dp when dp is given, else the preset's, else one node",
                             "Devices the job uses.", kGpus),
    spec<&ClusterSpec::gpus_per_node>("cluster.gpus_per_node", "8", "Devices in a server.",
                                      {1, 1024}),
    spec<&ClusterSpec::nvlink_domain>("cluster.nvlink_domain", "gpus_per_node",
                                      "Devices NVLink joins; more than a node's in NVL72.",
                                      {0, 1 << 16}),
    choose(key<Draft, &Draft::cluster, &ClusterDraft::intra_type>(
               "cluster.intra_node.type", "the device's scale_up_type",
               "What joins the devices of a node."),
           kIntraTypes),
    spec<&ClusterSpec::intra_bandwidth>("cluster.intra_node.bandwidth", "the device's",
                                        "Per device, in one direction.", kRate),
    spec<&ClusterSpec::intra_latency>("cluster.intra_node.latency", "the device's", "One hop.",
                                      kLatency),
    spec<&ClusterSpec::gpus_per_pcie_switch>("cluster.intra_node.gpus_per_pcie_switch", "2",
                                             "Devices that share one PCIe switch.", {1, 64}),
    spec<&ClusterSpec::inter_socket_bandwidth>(
        "cluster.intra_node.inter_socket", "0 B/s (two UPI links)",
        "Between the sockets of a PCIe node, in one direction.", kRateOrNone),
    spec<&ClusterSpec::inter>("cluster.inter_node.type", "infiniband", "Network between nodes."),
    spec<&ClusterSpec::nics_per_node>("cluster.inter_node.nics_per_node", "gpus_per_node",
                                      "Network ports of a node.", {0, 1024}),
    spec<&ClusterSpec::nic_bandwidth>(
        "cluster.inter_node.bandwidth",
        "by the device's generation: 100 Gb/s (Volta, Turing), 200 Gb/s (Ampere, Ada, CDNA), "
        "400 Gb/s (Hopper, Blackwell and others)",
        "Per port, in one direction.", kRate),
    spec<&ClusterSpec::inter_latency>("cluster.inter_node.latency", "by the network's type",
                                      "Port to port through one switch.", kLatency),
    spec<&ClusterSpec::hop_latency>("cluster.inter_node.hop_latency",
                                    "0 s (usual for the network's type)",
                                    "Each further switch on the way.", kLatency),
    spec<&ClusterSpec::fabric>(
        "cluster.inter_node.fabric",
        "rail_optimised for NVLink nodes with one infiniband or roce port a device, else fat_tree",
        "Shape of the network."),
    spec<&ClusterSpec::oversubscription>("cluster.inter_node.oversubscription", "1",
                                         "Of the uplinks of the topmost level but one.", {1, 1024}),
    spec<&ClusterSpec::nodes_per_leaf>("cluster.inter_node.nodes_per_leaf", "16",
                                       "Nodes under one leaf switch or rail group.", {1, 1 << 20}),
    spec<&ClusterSpec::leaves_per_pod>("cluster.inter_node.leaves_per_pod", "0 (two levels)",
                                       "Leaves a third level joins to pods.", {0, 1 << 20}),
    spec<&ClusterSpec::torus>("cluster.inter_node.torus", "as near to a cube as gpus allows",
                              "Extents of a torus; their product is the number of devices.",
                              {1, 1 << 20}),
    spec<&ClusterSpec::pcie_bandwidth>("cluster.pcie", "the device's",
                                       "Per device to its host, in one direction.", kRate),
    spec<&ClusterSpec::host_memory_bandwidth>(
        "cluster.host_memory", "0 B/s (two sockets of eight channels DDR4-3200)",
        "Of a node's processors, all memory channels: limits an offloaded optimizer.", kRateOrNone),
    spec<&ClusterSpec::nvme_bandwidth>("cluster.nvme", "0 B/s (no drives)",
                                       "Of a node's NVMe drives together, read or written.",
                                       kRateOrNone),
    key<Draft, &Draft::cluster, &ClusterDraft::calibration>(
        "cluster.calibration", "none",
        "File of measured collectives (from `stepcast calibrate`), relative to the scenario."),
    spec<&ClusterSpec::price_per_gpu_hour_usd>("cluster.price", "0 USD/h", "Per device.", {0, 1e6},
                                               Dimension::price),
    spec<&ClusterSpec::power_per_gpu_w>("cluster.power", "the device's",
                                        "Per device with its share of the node.", {0, 1e6},
                                        Dimension::power),
    spec<&ClusterSpec::real_gpus>(
        "cluster.real_gpus", "0 (any)",
        "Devices the real cluster has; more are simulated with a warning.", {0, 1 << 20}),
};

const std::vector<Key<Draft>> kDevice = {
    key<Draft, &Draft::device, &DeviceDraft::base>(
        "cluster.device.base", "none",
        "Catalogue device to start from; `cluster.device: NAME` is short for it."),
    device<&Device::architecture>("cluster.device.architecture", "hopper",
                                  "Generation; decides which attention kernels exist."),
    device<&Device::peak>("cluster.device.peak", "required",
                          "Dense matrix rate per precision; one left out is not supported.",
                          kFlopRate),
    device<&Device::vector_peak>("cluster.device.vector_peak", "peak of fp32",
                                 "fp32 rate outside the matrix units.", kFlopRate),
    device<&Device::memory>("cluster.device.memory", "required", "Capacity.", kMemory),
    device<&Device::usable_memory>("cluster.device.usable_memory", "memory",
                                   "What nvidia-smi (or its like) reports as total.", kMemory),
    device<&Device::memory_bandwidth>("cluster.device.memory_bandwidth", "required",
                                      "Data-sheet rate of the device memory.", kRate),
    device<&Device::l2>("cluster.device.l2", "0 B", "Last-level cache.", {0, 1e15}),
    device<&Device::sm_count>("cluster.device.sm_count", "100", "Multiprocessors.", {1, 1 << 16}),
    device<&Device::boost_mhz>("cluster.device.boost_clock", "0 MHz", "Clock of the peak rates.",
                               {0, 1e5}, Dimension::frequency),
    device<&Device::power_w>("cluster.device.power", "0 W", "Power limit.", {0, 1e5},
                             Dimension::power),
    device<&Device::scale_up>("cluster.device.scale_up", "0 B/s",
                              "NVLink, xGMI or ICI rate per device, in one direction.",
                              kRateOrNone),
    choose(key<Draft, &Draft::device, &DeviceDraft::scale_up_type>(
               "cluster.device.scale_up_type", "none", "How the devices of a node are joined."),
           kScaleUpTypes),
    key<Draft, &Draft::device, &DeviceDraft::scale_up_latency>("cluster.device.scale_up_latency",
                                                               "0 s", "One hop of it.", kLatency),
    device<&Device::pcie>("cluster.device.pcie", "0 B/s", "Rate to the host, in one direction.",
                          kRateOrNone),
    device<&Device::gemm_efficiency>("cluster.device.gemm_efficiency", "0.7 for each precision",
                                     "Sustained part of the peak on large matrix products.",
                                     kShare),
    device<&Device::sustained_clock>("cluster.device.sustained_clock", "1",
                                     "Matrix clock in steady training over that of benchmarks.",
                                     kShare),
    device<&Device::memory_efficiency>("cluster.device.memory_efficiency", "0.8",
                                       "Sustained part of the memory bandwidth.", kShare),
    device<&Device::gemm_operand_bandwidth>(
        "cluster.device.gemm_operand_bandwidth", "0 B/s (hidden)",
        "Rate of fetching operands of matrix products, where arithmetic does not hide it.",
        kRateOrNone),
    device<&Device::kernel_rates, &KernelRates::norm>("cluster.device.kernel_rates.norm", kByMemory,
                                                      "Norms, forward.", kRateOrNone),
    device<&Device::kernel_rates, &KernelRates::norm_backward>(
        "cluster.device.kernel_rates.norm_backward", kByMemory, "Norms, backward.", kRateOrNone),
    device<&Device::kernel_rates, &KernelRates::activation>(
        "cluster.device.kernel_rates.activation", kByMemory, "GELU and its like, forward.",
        kRateOrNone),
    device<&Device::kernel_rates, &KernelRates::activation_backward>(
        "cluster.device.kernel_rates.activation_backward", kByMemory,
        "GELU and its like, backward.", kRateOrNone),
    device<&Device::kernel_rates, &KernelRates::softmax>(
        "cluster.device.kernel_rates.softmax", kByMemory, "Softmax of math attention, forward.",
        kRateOrNone),
    device<&Device::kernel_rates, &KernelRates::softmax_backward>(
        "cluster.device.kernel_rates.softmax_backward", kByMemory,
        "Softmax of math attention, backward.", kRateOrNone),
    device<&Device::kernel_rates, &KernelRates::residual>(
        "cluster.device.kernel_rates.residual", kByMemory, "Residual additions.", kRateOrNone),
    device<&Device::kernel_rates, &KernelRates::cross_entropy>(
        "cluster.device.kernel_rates.cross_entropy", kByMemory, "The loss, both passes.",
        kRateOrNone),
    device<&Device::kernel_rates, &KernelRates::optimizer>(
        "cluster.device.kernel_rates.optimizer", kByMemory, "The update and what is around it.",
        kRateOrNone),
    device<&Device::attention_efficiency>("cluster.device.attention_efficiency", "0.5",
                                          "Sustained part of the peak in flash attention.", kShare),
    device<&Device::kernel_gap>("cluster.device.kernel_gap", "0 s",
                                "Gap between two kernels of a stream.", kLatency),
};

}  // namespace

std::span<const Key<Draft>> cluster_keys() { return kCluster; }
std::span<const Key<Draft>> device_keys() { return kDevice; }

}  // namespace scenarios
