// Fat trees of two or three levels with all NICs of a server on one leaf (its top-of-rack switch),
// as in Meta's RoCE cluster of Llama 3 (arXiv 2407.21783, section 3.3.1): racks of 2 servers, pods
// of 192 racks with full bisection, pods joined at 1:7.
#include "topologies/clos.hpp"
#include "topologies/families.hpp"

namespace topologies {

void build_fat_tree(Assembly& assembly) {
  const ClusterSpec& spec = assembly.spec;
  const Sizes& sizes = assembly.sizes;
  const Clos clos{(sizes.nodes + spec.nodes_per_leaf - 1) / spec.nodes_per_leaf,
                  spec.nodes_per_leaf * sizes.nics, spec.leaves_per_pod};
  const std::vector<VertexId> leaves = add_switches(assembly, clos);
  for (std::int64_t node = 0; node < sizes.nodes; ++node) {
    for (std::int64_t i = 0; i < sizes.nics; ++i) {
      attach_nic(assembly, assembly.nic(node, i), leaves[node / spec.nodes_per_leaf]);
    }
  }
}

void check_fat_tree(const ClusterSpec& spec, Problems& problems) { check_clos(spec, problems); }

}  // namespace topologies
