#include "topologies/assembly.hpp"

#include <algorithm>

namespace topologies {

Sizes::Sizes(const ClusterSpec& spec)
    : gpus(spec.gpus),
      nodes((spec.gpus + spec.gpus_per_node - 1) / spec.gpus_per_node),
      node_gpus(std::min(spec.gpus, spec.gpus_per_node)),
      domain(spec.nvlink_domain > 0 ? spec.nvlink_domain : spec.gpus_per_node),
      nics(nodes > 1 ? std::min(spec.nics_per_node, spec.gpus_per_node) : 0),
      nic_rate(nics > 0 ? spec.nic_bandwidth *
                              (static_cast<double>(spec.nics_per_node) / static_cast<double>(nics))
                        : sim::Bandwidth{}),
      full_node_(spec.gpus_per_node) {}

namespace {

// Devices, and about as many NICs, PCIe switches, hosts and network switches.
std::size_t expected_vertices(const Sizes& sizes) {
  return static_cast<std::size_t>(3 * sizes.gpus + 6 * sizes.nodes + 16);
}

}  // namespace

Assembly::Assembly(const ClusterSpec& cluster)
    : spec(cluster), sizes(cluster), network(expected_vertices(sizes)) {
  for (std::int64_t i = 0; i < sizes.gpus; ++i) {
    network.add(make_vertex(VertexKind::gpu, i, i / spec.gpus_per_node));
  }
}

Vertex make_vertex(VertexKind kind, std::int64_t index, std::int64_t node) {
  return {kind, static_cast<std::uint32_t>(node), static_cast<std::uint32_t>(index)};
}

}  // namespace topologies
