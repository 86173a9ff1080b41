// What can be asked of a machine besides its routes: counts, bandwidths, cuts, distances.
// Used by the `topology` command and by tests; all take a machine of build_machine().
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/machine.hpp"
#include "topologies/layout.hpp"

namespace topologies {

std::string_view name(sim::LinkKind kind);

struct Inventory {
  std::array<std::int64_t, kVertexKinds> vertices{};  // by VertexKind
  std::array<std::int64_t, 4> links{};                // by sim::LinkKind, both directions
  std::int64_t nodes = 0;
  std::int64_t nvlink_domains = 0;
};

Inventory inventory(const sim::Machine& machine);

struct Hop {
  sim::LinkId link;
  std::string from, to;
  sim::LinkKind kind = sim::LinkKind::fabric;
  sim::Bandwidth capacity;
  sim::Time latency;
};

struct Path {
  std::vector<Hop> hops;
  sim::Bandwidth bandwidth;  // the least capacity on the way; 0 for the empty path
  sim::Time latency;         // of all links together
};

// REQUIRES: both devices exist.
Path path_between(const sim::Machine& machine, sim::DeviceId from, sim::DeviceId to);
Path path_to_host(const sim::Machine& machine, sim::DeviceId device);
// What one transfer between the two can have on an idle machine, along its route.
sim::Bandwidth bandwidth_between(const sim::Machine& machine, sim::DeviceId from, sim::DeviceId to);

// Which links a flow may use.
enum class Wires : std::uint8_t {
  all,
  scale_up,  // the devices' own only: no PCIe, no NICs
};

// The most that one group of devices can send to another at once, over all paths, in one direction:
// Boost's push_relabel_max_flow on capacities rounded to whole Mb/s.
// REQUIRES: two groups without a common device, neither empty.
sim::Bandwidth max_flow(const sim::Machine& machine, std::span<const sim::DeviceId> from,
                        std::span<const sim::DeviceId> to, Wires wires = Wires::all);

// Max flow from the first half of the servers (by index; of one server: of its devices) to the
// other half, in one direction. Over the devices' own links where these join all of them, as routes
// do; else over everything. Zero for one device.
sim::Bandwidth bisection(const sim::Machine& machine);

// Fewest links from a device to every device, by Boost's Dijkstra on the whole graph; routes may be
// longer where the hardware does not take the shortest way. kUnreachable where there is none.
inline constexpr std::uint32_t kUnreachable = ~std::uint32_t{0};
std::vector<std::uint32_t> fewest_hops(const sim::Machine& machine, sim::DeviceId from);

// Whether every device has a way to every other one.
bool connected(const sim::Machine& machine);

}  // namespace topologies
