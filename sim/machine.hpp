// The hardware as the engine sees it: directed links with a capacity and a latency, devices, and
// the route between any two devices. Built by topologies/, immutable afterwards.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/ids.hpp"
#include "sim/units.hpp"

namespace sim {

enum class LinkKind : std::uint8_t { nvlink, pcie, nic, fabric };

struct Link {
  Bandwidth capacity;  // in one direction
  Time latency;
  LinkKind kind = LinkKind::fabric;
  double slowdown = 1.0;  // a fault: it was built for this many times its capacity
  Bandwidth rated() const { return capacity * slowdown; }
};

struct Device {
  std::uint32_t node = 0;           // server (host) that holds it
  std::uint32_t local_rank = 0;     // its index inside the server
  std::uint32_t nvlink_domain = 0;  // devices with equal values reach each other without a NIC
  std::uint32_t device_class = 0;   // equal for interchangeable devices
};

// How devices reach each other. One implementation per shape of network (tree, torus, table).
class Router {
 public:
  virtual ~Router() = default;
  // Replaces `out` with the links from one device to another, in order; empty when from == to.
  virtual void route(DeviceId from, DeviceId to, std::vector<LinkId>& out) const = 0;
  // The links from a device to its host memory and back (offload traffic); may leave them empty.
  virtual void host_route(DeviceId device, bool to_host, std::vector<LinkId>& out) const = 0;
  // The links from a device to the switch of its domain and back; empty where no switch joins it.
  virtual void switch_route(DeviceId device, bool to_switch, std::vector<LinkId>& out) const = 0;
};

struct Machine {
  std::string name;
  IdVector<DeviceId, Device> devices;
  IdVector<LinkId, Link> links;
  IdVector<LinkId, std::string> link_names;  // may be empty: names are only needed for printing
  std::shared_ptr<const Router> router;

  void route(DeviceId from, DeviceId to, std::vector<LinkId>& out) const {
    router->route(from, to, out);
  }
};

}  // namespace sim
