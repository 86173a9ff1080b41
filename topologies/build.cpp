// Spec -> Machine: devices, their links, the servers, the network, the routes.
#include <algorithm>

#include "topologies/assembly.hpp"
#include "topologies/families.hpp"
#include "topologies/registry.hpp"

namespace topologies {

namespace {

struct Routes {
  ScaleUp scale_up;
  Forest pcie, fabric;
  std::vector<VertexId> nic_of;        // by device; empty without a network
  std::vector<std::uint32_t> rail_of;  // by device; empty unless rail-optimised
  std::vector<VertexId> host_of;       // by device; empty without PCIe
  std::int64_t node_gpus = 1;
};

// Own links first, then PCIe inside the server, then the network.
class LayeredRouter final : public LayoutRouter {
 public:
  LayeredRouter(Layout layout, Routes routes)
      : LayoutRouter(std::move(layout)), routes_(std::move(routes)) {}

  void route(sim::DeviceId from, sim::DeviceId to, std::vector<sim::LinkId>& out) const override {
    out.clear();
    if (from == to) return;
    if (routes_.scale_up.reaches(from, to)) {
      routes_.scale_up.append_route(from, to, out);
    } else if (!routes_.pcie.append_route(vertex_of(from), vertex_of(to), out)) {
      append_network(from, to, out);
    }
  }

  void host_route(sim::DeviceId device, bool to_host,
                  std::vector<sim::LinkId>& out) const override {
    out.clear();
    if (routes_.host_of.empty()) return;
    const VertexId gpu = vertex_of(device), host = routes_.host_of[device.index()];
    routes_.pcie.append_route(to_host ? gpu : host, to_host ? host : gpu, out);
  }

  void switch_route(sim::DeviceId device, bool to_switch,
                    std::vector<sim::LinkId>& out) const override {
    out.clear();
    routes_.scale_up.append_switch_route(device, to_switch, out);
  }

 private:
  void append_network(sim::DeviceId from, sim::DeviceId to, std::vector<sim::LinkId>& out) const {
    SIM_EXPECTS(!routes_.nic_of.empty(), "two devices that no link joins");
    const sim::DeviceId sender = sender_for(from, to);
    routes_.scale_up.append_route(from, sender, out);
    const VertexId there = routes_.nic_of[sender.index()], here = routes_.nic_of[to.index()];
    routes_.pcie.append_route(vertex_of(sender), there, out);
    const bool joined = routes_.fabric.append_route(there, here, out);
    SIM_EXPECTS(joined, "two NICs that no switch joins");
    routes_.pcie.append_route(here, vertex_of(to), out);
  }

  // The device of the sender's server whose NIC puts the message on the receiver's rail.
  sim::DeviceId sender_for(sim::DeviceId from, sim::DeviceId to) const {
    if (routes_.rail_of.empty() || routes_.rail_of[from.index()] == routes_.rail_of[to.index()]) {
      return from;
    }
    const std::uint32_t node_gpus = static_cast<std::uint32_t>(routes_.node_gpus);
    const sim::DeviceId proxy{from.value() / node_gpus * node_gpus + to.value() % node_gpus};
    return routes_.scale_up.reaches(from, proxy) ? proxy : from;
  }

  Routes routes_;
};

Routes routes_of(Assembly& assembly) {
  const Sizes& sizes = assembly.sizes;
  Routes routes{std::move(assembly.scale_up),
                std::move(assembly.pcie),
                std::move(assembly.fabric),
                {},
                {},
                {},
                assembly.spec.gpus_per_node};
  for (std::int64_t device = 0; device < sizes.gpus; ++device) {
    const std::int64_t node = device / assembly.spec.gpus_per_node;
    const std::int64_t nic = sizes.nic_of(device % assembly.spec.gpus_per_node);
    if (!assembly.nics.empty()) routes.nic_of.push_back(assembly.nic(node, nic));
    if (assembly.rails) routes.rail_of.push_back(static_cast<std::uint32_t>(nic));
    if (!assembly.hosts.empty()) {
      // A device's host is the top of its own socket, below the link to the other one.
      const VertexId pcie_switch = routes.pcie.parent(assembly.gpu(device));
      routes.host_of.push_back(routes.pcie.parent(pcie_switch));
    }
  }
  return routes;
}

sim::IdVector<sim::DeviceId, sim::Device> devices_of(const ClusterSpec& spec, const Sizes& sizes) {
  const bool one_domain = spec.fabric == FabricShape::torus;
  const std::int64_t domain = one_domain ? sizes.gpus : std::max(sizes.domain, spec.gpus_per_node);
  sim::IdVector<sim::DeviceId, sim::Device> devices;
  devices.reserve(static_cast<std::size_t>(sizes.gpus));
  for (std::int64_t i = 0; i < sizes.gpus; ++i) {
    devices.push_back({static_cast<std::uint32_t>(i / spec.gpus_per_node),
                       static_cast<std::uint32_t>(i % spec.gpus_per_node),
                       static_cast<std::uint32_t>(i / domain), 0});
  }
  return devices;
}

}  // namespace

sim::Machine build_machine(const ClusterSpec& spec) {
  const std::vector<std::string> wrong = problems(spec);
  if (!wrong.empty()) throw sim::ContractViolation("impossible cluster: " + wrong.front());
  Assembly assembly(spec);
  const bool torus = spec.fabric == FabricShape::torus;
  if (!torus) family_of(spec.intra).build(assembly);
  if (torus) assembly.sizes.nics = 0;
  build_pcie_tree(assembly);
  if (torus || !assembly.nics.empty()) family_of(spec.fabric).build(assembly);
  SIM_EXPECTS(assembly.network.connects(static_cast<std::size_t>(spec.gpus)),
              "the network falls apart");

  sim::Machine machine;
  machine.name = spec.name;
  machine.devices = devices_of(spec, assembly.sizes);
  Layout layout;
  assembly.network.freeze(layout, machine.links);
  machine.router = std::make_shared<LayeredRouter>(std::move(layout), routes_of(assembly));
  return machine;
}

}  // namespace topologies
