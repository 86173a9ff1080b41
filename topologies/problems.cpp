// What no machine can be built from, in sentences.
#include "topologies/cluster.hpp"
#include "topologies/registry.hpp"

namespace topologies {

namespace {

using Problems = std::vector<std::string>;

// A million devices need about a gigabyte.
constexpr std::int64_t kMostGpus = 1'048'576;
constexpr std::int64_t kMostPerNode = 4096;
constexpr double kFastest = 1e15;  // bytes/s of one port: a slip of units, not a link

void require(bool ok, Problems& problems, std::string sentence) {
  if (!ok) problems.push_back(std::move(sentence));
}

void check_counts(const ClusterSpec& spec, Problems& problems) {
  require(spec.gpus >= 1, problems, "a cluster needs at least one GPU");
  require(
      spec.gpus <= kMostGpus, problems,
      std::to_string(spec.gpus) + " GPUs: at most " + std::to_string(kMostGpus) + " are supported");
  require(spec.gpus_per_node >= 1 && spec.gpus_per_node <= kMostPerNode, problems,
          std::to_string(spec.gpus_per_node) + " GPUs in a server: give 1 to " +
              std::to_string(kMostPerNode));
  require(spec.nvlink_domain >= 0 && spec.nvlink_domain <= kMostGpus, problems,
          "an NVLink domain of " + std::to_string(spec.nvlink_domain) + " GPUs");
  require(spec.nics_per_node >= 0 && spec.nics_per_node <= kMostPerNode, problems,
          std::to_string(spec.nics_per_node) + " NICs in a server: give 0 to " +
              std::to_string(kMostPerNode));
  require(spec.gpus_per_pcie_switch >= 1 && spec.gpus_per_pcie_switch <= kMostPerNode, problems,
          std::to_string(spec.gpus_per_pcie_switch) + " GPUs on a PCIe switch: give 1 to " +
              std::to_string(kMostPerNode));
  require(spec.nodes_per_leaf >= 1 && spec.nodes_per_leaf <= kMostGpus, problems,
          std::to_string(spec.nodes_per_leaf) + " servers on a leaf switch: give 1 to " +
              std::to_string(kMostGpus));
  require(spec.leaves_per_pod >= 0 && spec.leaves_per_pod <= kMostGpus, problems,
          std::to_string(spec.leaves_per_pod) + " leaf switches in a pod: give 0 to " +
              std::to_string(kMostGpus));
}

void check_node_size(const ClusterSpec& spec, Problems& problems) {
  const std::int64_t rest = spec.gpus % spec.gpus_per_node;
  if (spec.gpus <= spec.gpus_per_node || rest == 0) return;
  problems.push_back(std::to_string(spec.gpus) + " GPUs do not fill servers of " +
                     std::to_string(spec.gpus_per_node) + ": take " +
                     std::to_string(spec.gpus - rest) + " or " +
                     std::to_string(spec.gpus - rest + spec.gpus_per_node));
}

void check_rate(sim::Bandwidth rate, const char* of, bool needed, Problems& problems) {
  const double value = rate.bytes_per_second();
  require(value >= 0.0 && value <= kFastest, problems,
          std::string("the bandwidth of ") + of + " must be above zero and below 1 PB/s");
  require(!needed || value != 0.0, problems, std::string("the bandwidth of ") + of + " is missing");
}

void check_rates(const ClusterSpec& spec, Problems& problems) {
  const Sizes sizes(spec);
  const bool torus = spec.fabric == FabricShape::torus;
  const bool linked = spec.intra != IntraType::none && spec.intra != IntraType::pcie;
  check_rate(spec.intra_bandwidth, "the links inside a server",
             !torus && linked && sizes.node_gpus > 1, problems);
  check_rate(spec.pcie_bandwidth, "PCIe",
             spec.intra == IntraType::pcie && spec.intra_bandwidth.bytes_per_second() == 0.0,
             problems);
  check_rate(spec.inter_socket_bandwidth, "the inter-socket link", false, problems);
  check_rate(spec.nic_bandwidth, "a NIC", !torus && sizes.nics > 0, problems);
  const bool negative = spec.intra_latency < sim::Time::zero() ||
                        spec.inter_latency < sim::Time::zero() ||
                        spec.hop_latency < sim::Time::zero();
  require(!negative, problems, "a latency cannot be negative");
}

void check_network(const ClusterSpec& spec, Problems& problems) {
  const Sizes sizes(spec);
  const bool linked = spec.intra == IntraType::nvlink_switch;
  const bool one_domain = linked && spec.gpus <= sizes.domain;
  if (sizes.nodes > 1 && spec.nics_per_node == 0 && !one_domain &&
      spec.fabric != FabricShape::torus) {
    problems.push_back(std::to_string(sizes.nodes) +
                       " servers without NICs cannot reach each other");
  }
}

}  // namespace

std::vector<std::string> problems(const ClusterSpec& spec) {
  Problems found;
  check_counts(spec, found);
  if (!found.empty()) return found;
  check_node_size(spec, found);
  check_rates(spec, found);
  check_network(spec, found);
  if (spec.fabric != FabricShape::torus) family_of(spec.intra).check(spec, found);
  if (spec.fabric == FabricShape::torus || Sizes(spec).nics > 0) {
    family_of(spec.fabric).check(spec, found);
  }
  return found;
}

}  // namespace topologies
