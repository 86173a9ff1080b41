// A link between every two devices of a server: AMD Instinct platforms (MI300X: 7 xGMI links of
// 64 GB/s to the 7 others), Gaudi servers (21 of 24 Ethernet ports, 3 to each of the 7 others).
// MI250X nodes are not quite that (pairs on one package have more); they are approximated by it.
#include "topologies/families.hpp"
#include "topologies/mesh.hpp"

namespace topologies {

void build_xgmi_mesh(Assembly& assembly) {
  build_mesh(assembly, all_to_all(assembly.sizes.domain, assembly.spec.intra_bandwidth));
}

void check_xgmi_mesh(const ClusterSpec& spec, Problems& problems) {
  check_mesh_domain(spec, problems);
}

}  // namespace topologies
