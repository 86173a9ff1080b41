#include "topologies/clos.hpp"

namespace topologies {

namespace {

// 20 m of fibre between rows of racks, at 5 ns/m (light in glass).
constexpr sim::Time kCable = sim::Time::ns(100);

sim::Time switch_latency(InterType type) {
  switch (type) {
    case InterType::infiniband:
      return sim::Time::ns(130);  // NVIDIA Quantum QM8700 data sheet
    case InterType::omnipath:
      return sim::Time::ns(110);  // Intel Omni-Path edge switch brief
    case InterType::slingshot:
      return sim::Time::ns(350);  // De Sensi et al., "An In-Depth Analysis of Slingshot", SC20
    // Cut-through data-centre Ethernet is between 425 (NVIDIA SN3700 data sheet) and 800 ns.
    case InterType::roce:
    case InterType::efa:
    case InterType::ethernet:
      return sim::Time::ns(500);
  }
  throw sim::ContractViolation("no switch latency for this network type");
}

Cable uplink(const Assembly& assembly, sim::Bandwidth capacity) {
  const sim::Time given = assembly.spec.hop_latency;
  const sim::Time hop = given > sim::Time::zero() ? given : usual_hop_latency(assembly.spec.inter);
  return {capacity, sim::LinkKind::fabric, hop, hop};
}

void join_up(Assembly& assembly, VertexId child, VertexId parent, const Cable& cable) {
  assembly.fabric.attach(child, parent, assembly.network.join(child, parent, cable));
}

}  // namespace

sim::Time usual_hop_latency(InterType type) { return switch_latency(type) + kCable; }

std::vector<VertexId> add_switches(Assembly& assembly, const Clos& clos) {
  Network& network = assembly.network;
  const bool pods = clos.leaves_per_pod > 0;
  const double leaf_nics = static_cast<double>(clos.nics_per_leaf);
  const sim::Bandwidth leaf_rate = assembly.sizes.nic_rate * leaf_nics;
  const double thinner = 1.0 / assembly.spec.oversubscription;
  const Cable leaf_up = uplink(assembly, pods ? leaf_rate : leaf_rate * thinner);
  const Cable pod_up =
      uplink(assembly, leaf_rate * (static_cast<double>(clos.leaves_per_pod) * thinner));
  VertexId core, spine;
  std::vector<VertexId> leaves;
  for (std::int64_t i = 0; i < clos.leaves; ++i) {
    const std::int64_t pod = pods ? i / clos.leaves_per_pod : 0;
    const bool first_of_pod = pods ? i % clos.leaves_per_pod == 0 : i == 0;
    if (i == 0 && pods && clos.leaves > clos.leaves_per_pod) {
      core = network.add(make_vertex(VertexKind::core, 0));
    }
    if (first_of_pod && clos.leaves > 1) {
      spine = network.add(make_vertex(VertexKind::spine, pod));
      if (core.valid()) join_up(assembly, spine, core, pod_up);
    }
    leaves.push_back(network.add(make_vertex(VertexKind::leaf, i)));
    if (spine.valid()) join_up(assembly, leaves.back(), spine, leaf_up);
  }
  return leaves;
}

void attach_nic(Assembly& assembly, VertexId nic, VertexId leaf) {
  const sim::Time latency = assembly.spec.inter_latency;
  const Cable cable{assembly.sizes.nic_rate, sim::LinkKind::nic, half(latency),
                    latency - half(latency)};
  assembly.fabric.attach(nic, leaf, assembly.network.join(nic, leaf, cable));
}

void check_clos(const ClusterSpec& spec, std::vector<std::string>& problems) {
  if (!(spec.oversubscription >= 0.01 && spec.oversubscription <= 1000.0)) {
    problems.push_back("oversubscription must be between 0.01 and 1000 (1 = full bisection)");
  }
}

}  // namespace topologies
