// A torus of devices, any number of dimensions: TPU pods (v4: 3D, 6 ICI links of 50 GB/s; v5p: 6 of
// 100 GB/s: Jouppi et al., "TPU v4", ISCA 2023, and Google's TPU system architecture pages).
//
// A device has two ports a dimension, so a link has intra_bandwidth / (2 x dimensions); without
// intra_bandwidth, the device's share of its server's NICs takes its place. Where a dimension has
// two devices, both ports lead to the same neighbour and are one link of twice the capacity; where
// it has one, its ports are idle. Each hop costs intra_latency, or inter_latency where that is 0.
#include "topologies/families.hpp"

namespace topologies {

namespace {

sim::Bandwidth per_device(const ClusterSpec& spec) {
  if (spec.intra_bandwidth.bytes_per_second() > 0) return spec.intra_bandwidth;
  return spec.nic_bandwidth *
         (static_cast<double>(spec.nics_per_node) / static_cast<double>(spec.gpus_per_node));
}

}  // namespace

void build_torus(Assembly& assembly) {
  const ClusterSpec& spec = assembly.spec;
  const std::size_t dimensions = spec.torus.size();
  const sim::Bandwidth port = per_device(spec) * (0.5 / static_cast<double>(dimensions));
  const sim::Time latency =
      spec.intra_latency > sim::Time::zero() ? spec.intra_latency : spec.inter_latency;
  std::vector<sim::LinkId> forward(static_cast<std::size_t>(spec.gpus) * dimensions);
  for (std::int64_t device = 0; device < spec.gpus; ++device) {
    std::int64_t stride = 1;
    for (std::size_t d = 0; d < dimensions; ++d) {
      const std::int64_t extent = spec.torus[d];
      const std::int64_t x = device / stride % extent;
      const std::int64_t neighbour = device + ((x + 1) % extent - x) * stride;
      const std::size_t slot = static_cast<std::size_t>(device) * dimensions + d;
      const bool pair = extent == 2;
      if (pair && x == 1) {
        forward[slot] = reverse(forward[neighbour * dimensions + d]);
      } else if (extent > 1) {
        forward[slot] = assembly.network.join(
            assembly.gpu(device), assembly.gpu(neighbour),
            {pair ? port * 2 : port, sim::LinkKind::fabric, latency, latency});
      }
      stride *= extent;
    }
  }
  assembly.scale_up = ScaleUp::torus(spec.torus, std::move(forward));
}

void check_torus(const ClusterSpec& spec, Problems& problems) {
  if (spec.torus.empty() || spec.torus.size() > 6) {
    problems.push_back("a torus needs the extents of its 1 to 6 dimensions, e.g. [4, 4, 8]");
    return;
  }
  std::int64_t product = 1;
  for (const std::int64_t extent : spec.torus) {
    if (extent < 1 || extent > spec.gpus) {
      problems.push_back("a torus extent of " + std::to_string(extent) + " does not fit " +
                         std::to_string(spec.gpus) + " devices");
      return;
    }
    product *= extent;
    if (product > spec.gpus) break;
  }
  if (product != spec.gpus) {
    problems.push_back("the extents of the torus do not multiply to its " +
                       std::to_string(spec.gpus) + " devices");
  }
  if (!(per_device(spec).bytes_per_second() > 0)) {
    problems.push_back("the links of a torus need a bandwidth: that of a device, over all ports");
  }
}

}  // namespace topologies
