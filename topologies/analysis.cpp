#include "topologies/analysis.hpp"

#include <algorithm>

namespace topologies {

namespace {

constexpr std::array<std::string_view, 4> kLinkNames{"nvlink", "pcie", "nic", "fabric"};

Path path_over(const sim::Machine& machine, std::span<const sim::LinkId> links) {
  const Layout& layout = layout_of(machine);
  Path path;
  for (const sim::LinkId id : links) {
    const sim::Link& link = machine.links[id];
    const LinkEnds& ends = layout.ends[id];
    path.hops.push_back({id, vertex_name(layout, ends.from), vertex_name(layout, ends.to),
                         link.kind, link.capacity, link.latency});
    path.bandwidth =
        path.hops.size() == 1 ? link.capacity : std::min(path.bandwidth, link.capacity);
    path.latency += link.latency;
  }
  return path;
}

// The first and the last device are farthest apart: if no route between them leaves their own
// links, none does.
bool joined_by_own_links(const sim::Machine& machine) {
  const sim::DeviceId first{0}, last{machine.devices.size() - 1};
  for (const Hop& hop : path_between(machine, first, last).hops) {
    if (hop.kind == sim::LinkKind::pcie || hop.kind == sim::LinkKind::nic) return false;
  }
  return true;
}

}  // namespace

std::string_view name(sim::LinkKind kind) { return kLinkNames[static_cast<std::size_t>(kind)]; }

Inventory inventory(const sim::Machine& machine) {
  Inventory counts;
  for (const Vertex& vertex : layout_of(machine).vertices) {
    ++counts.vertices[static_cast<std::size_t>(vertex.kind)];
  }
  for (const sim::Link& link : machine.links) ++counts.links[static_cast<std::size_t>(link.kind)];
  // Devices are in the order of their servers and domains: the last one has the highest numbers.
  const sim::Device& last = machine.devices[sim::DeviceId{machine.devices.size() - 1}];
  counts.nodes = last.node + std::int64_t{1};
  counts.nvlink_domains = last.nvlink_domain + std::int64_t{1};
  return counts;
}

Path path_between(const sim::Machine& machine, sim::DeviceId from, sim::DeviceId to) {
  SIM_EXPECTS(std::max(from, to).index() < machine.devices.size(), "no such device");
  std::vector<sim::LinkId> links;
  machine.route(from, to, links);
  return path_over(machine, links);
}

Path path_to_host(const sim::Machine& machine, sim::DeviceId device) {
  SIM_EXPECTS(device.index() < machine.devices.size(), "no such device");
  std::vector<sim::LinkId> links;
  machine.router->host_route(device, true, links);
  return path_over(machine, links);
}

sim::Bandwidth bandwidth_between(const sim::Machine& machine, sim::DeviceId from,
                                 sim::DeviceId to) {
  return path_between(machine, from, to).bandwidth;
}

sim::Bandwidth bisection(const sim::Machine& machine) {
  const std::size_t devices = machine.devices.size();
  const std::size_t nodes = machine.devices[sim::DeviceId{devices - 1}].node + std::size_t{1};
  std::vector<sim::DeviceId> first, second;
  for (std::size_t i = 0; i < devices; ++i) {
    const sim::DeviceId device{i};
    const bool low = nodes > 1 ? machine.devices[device].node < nodes / 2 : i < devices / 2;
    (low ? first : second).push_back(device);
  }
  if (first.empty()) return {};
  const bool own = joined_by_own_links(machine);
  return max_flow(machine, first, second, own ? Wires::scale_up : Wires::all);
}

bool connected(const sim::Machine& machine) {
  // Links come in pairs, so one direction from one device is enough.
  for (const std::uint32_t hops : fewest_hops(machine, sim::DeviceId{0})) {
    if (hops == kUnreachable) return false;
  }
  return true;
}

}  // namespace topologies
