// All NICs on one non-blocking switch: small clusters, and the ideal that others are held to.
#include "topologies/clos.hpp"
#include "topologies/families.hpp"

namespace topologies {

void build_single_switch(Assembly& assembly) {
  const VertexId leaf = add_switches(assembly, {}).front();
  for (const VertexId nic : assembly.nics) attach_nic(assembly, nic, leaf);
}

void check_single_switch(const ClusterSpec&, Problems&) {}

}  // namespace topologies
