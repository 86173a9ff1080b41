// Rail-optimised fabrics (NVIDIA DGX SuperPOD reference architecture): a unit of servers has one
// leaf a NIC position, NIC i of each of its servers is on leaf i. Devices of one rail and unit are
// one switch apart. To another rail a message first crosses NVLink to the device of its own server
// that has the right rail (NCCL's PXN), and only without NVLink the spine.
#include "topologies/clos.hpp"
#include "topologies/families.hpp"

namespace topologies {

void build_rail_optimised(Assembly& assembly) {
  const ClusterSpec& spec = assembly.spec;
  const Sizes& sizes = assembly.sizes;
  const std::int64_t units = (sizes.nodes + spec.nodes_per_leaf - 1) / spec.nodes_per_leaf;
  const Clos clos{units * sizes.nics, spec.nodes_per_leaf, spec.leaves_per_pod};
  const std::vector<VertexId> leaves = add_switches(assembly, clos);
  for (std::int64_t node = 0; node < sizes.nodes; ++node) {
    for (std::int64_t rail = 0; rail < sizes.nics; ++rail) {
      const std::int64_t leaf = node / spec.nodes_per_leaf * sizes.nics + rail;
      attach_nic(assembly, assembly.nic(node, rail), leaves[leaf]);
    }
  }
  assembly.rails = true;
}

void check_rail_optimised(const ClusterSpec& spec, Problems& problems) {
  check_clos(spec, problems);
  const std::int64_t rails = Sizes(spec).nics;
  if (rails > 0 && spec.leaves_per_pod % rails != 0) {
    problems.push_back("pods of " + std::to_string(spec.leaves_per_pod) +
                       " leaves do not hold whole units of " + std::to_string(rails) +
                       " rails: make it a multiple");
  }
}

}  // namespace topologies
