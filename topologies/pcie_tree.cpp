// The PCIe side of a server: devices and NICs under PCIe switches, switches under one or two hosts
// (sockets). It carries the way to the NICs, offload to host memory, and, where devices have no
// links of their own, everything between them.
//
// Latencies. `inter_latency` is what perftest or an MPI ping-pong shows, memory to memory, so it
// holds the PCIe hops at both ends: links on that way have none of their own. With `intra: pcie`,
// intra_latency is that between two devices of one switch, split over the two links.
#include "topologies/families.hpp"

namespace topologies {

namespace {

// Half of the 547 ns median round trip of a 64-byte PCIe read, Xeon E5: Neugebauer et al.,
// "Understanding PCIe performance for end host networking", SIGCOMM 2018.
constexpr sim::Time kHostLatency = sim::Time::ps(273'500);
// Remote minus local memory latency on two-socket Xeons, as Intel Memory Latency Checker shows.
constexpr sim::Time kSocketLatency = sim::Time::ns(60);
// Two UPI links of 10.4 GT/s, 2 bytes a transfer: Intel Xeon Scalable (Skylake-SP) data sheet.
constexpr sim::Bandwidth kSocketRate = sim::Bandwidth::gb_per_s(2 * 20.8);

struct PcieRates {
  sim::Bandwidth device;  // of a device's own link
  sim::Bandwidth uplink;  // of a switch to its host
};

PcieRates rates_of(const ClusterSpec& spec) {
  PcieRates rates{spec.pcie_bandwidth, spec.pcie_bandwidth};
  const bool own = spec.intra == IntraType::pcie && spec.intra_bandwidth.bytes_per_second() > 0;
  if (own) rates.device = spec.intra_bandwidth;
  if (rates.uplink.bytes_per_second() <= 0) rates.uplink = rates.device;
  return rates;
}

std::int64_t switches_for(std::int64_t gpus, const ClusterSpec& spec) {
  return (gpus + spec.gpus_per_pcie_switch - 1) / spec.gpus_per_pcie_switch;
}

// The hosts of a node: one, or two where there are two switches or more, the first half of the
// switches on the first. Returns the host of each switch.
std::vector<VertexId> add_hosts(Assembly& assembly, std::int64_t node, std::int64_t switches) {
  const std::int64_t all = switches_for(assembly.spec.gpus_per_node, assembly.spec);
  const VertexId first = assembly.network.add(make_vertex(VertexKind::host, 0, node));
  assembly.hosts.push_back(first);
  std::vector<VertexId> host_of(static_cast<std::size_t>(switches), first);
  if ((switches - 1) * 2 / all == 0) return host_of;
  const VertexId second = assembly.network.add(make_vertex(VertexKind::host, 1, node));
  const sim::Bandwidth given = assembly.spec.inter_socket_bandwidth;
  const Cable cable{given.bytes_per_second() > 0 ? given : kSocketRate, sim::LinkKind::pcie,
                    kSocketLatency, kSocketLatency};
  assembly.pcie.attach(second, first, assembly.network.join(second, first, cable));
  for (std::int64_t s = 0; s < switches; ++s) {
    if (s * 2 / all == 1) host_of[s] = second;
  }
  return host_of;
}

void hang(Assembly& assembly, VertexId child, VertexId parent, const Cable& cable) {
  assembly.pcie.attach(child, parent, assembly.network.join(child, parent, cable));
}

void build_node(Assembly& assembly, std::int64_t node, const PcieRates& rates) {
  const Sizes& sizes = assembly.sizes;
  const ClusterSpec& spec = assembly.spec;
  const std::int64_t switches = switches_for(sizes.node_gpus, spec);
  const std::vector<VertexId> host_of = add_hosts(assembly, node, switches);
  std::vector<VertexId> switch_of;
  for (std::int64_t s = 0; s < switches; ++s) {
    switch_of.push_back(assembly.network.add(make_vertex(VertexKind::pcie_switch, s, node)));
    hang(assembly, switch_of.back(), host_of[s],
         {rates.uplink, sim::LinkKind::pcie, kHostLatency, kHostLatency});
  }
  const sim::Time peer = spec.intra == IntraType::pcie ? spec.intra_latency : sim::Time::zero();
  const Cable to_device{rates.device, sim::LinkKind::pcie, half(peer), peer - half(peer)};
  for (std::int64_t i = 0; i < sizes.node_gpus; ++i) {
    hang(assembly, assembly.gpu(node * spec.gpus_per_node + i),
         switch_of[i / spec.gpus_per_pcie_switch], to_device);
  }
  for (std::int64_t i = 0; i < sizes.nics; ++i) {
    assembly.nics.push_back(assembly.network.add(make_vertex(VertexKind::nic, i, node)));
    hang(assembly, assembly.nics.back(),
         switch_of[sizes.first_gpu_of(i) / spec.gpus_per_pcie_switch],
         {sizes.nic_rate, sim::LinkKind::pcie, sim::Time::zero(), sim::Time::zero()});
  }
}

// Nothing is known of PCIe: devices sit on their NIC, at its rate.
void build_bare_node(Assembly& assembly, std::int64_t node) {
  const Sizes& sizes = assembly.sizes;
  for (std::int64_t i = 0; i < sizes.nics; ++i) {
    assembly.nics.push_back(assembly.network.add(make_vertex(VertexKind::nic, i, node)));
  }
  for (std::int64_t i = 0; i < sizes.node_gpus && sizes.nics > 0; ++i) {
    hang(assembly, assembly.gpu(node * assembly.spec.gpus_per_node + i),
         assembly.nic(node, sizes.nic_of(i)),
         {sizes.nic_rate, sim::LinkKind::pcie, sim::Time::zero(), sim::Time::zero()});
  }
}

}  // namespace

void build_pcie_tree(Assembly& assembly) {
  const PcieRates rates = rates_of(assembly.spec);
  const bool known = rates.device.bytes_per_second() > 0;
  for (std::int64_t node = 0; node < assembly.sizes.nodes; ++node) {
    if (known) {
      build_node(assembly, node, rates);
    } else {
      build_bare_node(assembly, node);
    }
  }
}

void build_pcie_only(Assembly&) {}  // build_pcie_tree() makes every server's

void check_pcie_only(const ClusterSpec& spec, Problems& problems) {
  if (spec.nvlink_domain > spec.gpus_per_node) {
    problems.push_back("an NVLink domain of " + std::to_string(spec.nvlink_domain) +
                       " GPUs spans servers, but the servers have no NVLink");
  }
}

void build_none(Assembly&) {}

void check_none(const ClusterSpec& spec, Problems& problems) {
  check_pcie_only(spec, problems);
  const Sizes sizes(spec);
  const bool torus = spec.fabric == FabricShape::torus;
  if (!torus && sizes.nodes == 1 && sizes.node_gpus > 1 &&
      spec.pcie_bandwidth.bytes_per_second() <= 0) {
    problems.push_back("the " + std::to_string(sizes.node_gpus) +
                       " GPUs of the one server cannot reach each other: no links, no PCIe");
  }
}

}  // namespace topologies
