// NVSwitch domains: HGX/DGX servers from A100 on, and NVL72 racks where a domain spans servers.
//
// All switch planes of a domain are one vertex: each device stripes its traffic over every plane,
// and the planes are non-blocking, so only a device's own ports limit it (NVIDIA NVSwitch technical
// overview). The latency of a hop from device to device is split over its two links.
#include "topologies/families.hpp"

namespace topologies {

void build_nvlink_switch(Assembly& assembly) {
  const Sizes& sizes = assembly.sizes;
  const sim::Time latency = assembly.spec.intra_latency;
  const Cable cable{assembly.spec.intra_bandwidth, sim::LinkKind::nvlink, half(latency),
                    latency - half(latency)};
  std::vector<sim::LinkId> up;
  up.reserve(static_cast<std::size_t>(sizes.gpus));
  VertexId nvswitch;
  for (std::int64_t device = 0; device < sizes.gpus; ++device) {
    if (device % sizes.domain == 0) {
      const bool inside = sizes.domain <= assembly.spec.gpus_per_node;
      const std::int64_t node = inside ? device / assembly.spec.gpus_per_node : kNoNode;
      const std::int64_t index =
          inside ? device % assembly.spec.gpus_per_node / sizes.domain : device / sizes.domain;
      nvswitch = assembly.network.add(make_vertex(VertexKind::nvswitch, index, node));
    }
    up.push_back(assembly.network.join(assembly.gpu(device), nvswitch, cable));
  }
  assembly.scale_up = ScaleUp::star(sizes.domain, std::move(up));
}

void check_nvlink_switch(const ClusterSpec& spec, Problems& problems) {
  const std::int64_t domain = Sizes(spec).domain;
  if (domain % spec.gpus_per_node != 0 && spec.gpus_per_node % domain != 0) {
    problems.push_back("an NVLink domain of " + std::to_string(domain) +
                       " GPUs does not fit servers of " + std::to_string(spec.gpus_per_node) +
                       ": one must be a multiple of the other");
  }
}

}  // namespace topologies
