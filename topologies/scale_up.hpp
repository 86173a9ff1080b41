// Routes over the devices' own ports (NVLink, xGMI, torus links): one shape a machine.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/ids.hpp"
#include "topologies/layout.hpp"

namespace topologies {

// Devices [k * domain, (k + 1) * domain) reach each other. All figures are empty for `none`.
class ScaleUp {
 public:
  // Every device has one link to its domain's switch; `up` holds it, by device.
  static ScaleUp star(std::int64_t domain, std::vector<sim::LinkId> up);
  // Direct links: `direct[device * domain + j]` is the link to member j of its domain, or none;
  // `next[i * domain + j]` is the member that a message from i to j visits next.
  static ScaleUp mesh(std::int64_t domain, std::vector<sim::LinkId> direct,
                      std::vector<std::uint8_t> next);
  // One domain of all devices. `forward[device * dimensions + d]` is the link to the neighbour at
  // the next higher coordinate (with wrap), none where the extent is 1. First coordinate fastest.
  static ScaleUp torus(std::vector<std::int64_t> extents, std::vector<sim::LinkId> forward);

  bool reaches(sim::DeviceId from, sim::DeviceId to) const;
  // REQUIRES: reaches(from, to).
  void append_route(sim::DeviceId from, sim::DeviceId to, std::vector<sim::LinkId>& out) const;
  // The link between a device and its domain's switch, if it has one.
  void append_switch_route(sim::DeviceId device, bool to_switch,
                           std::vector<sim::LinkId>& out) const;

 private:
  enum class Shape : std::uint8_t { none, star, mesh, torus };

  void append_mesh(std::uint32_t from, std::uint32_t to, std::vector<sim::LinkId>& out) const;
  void append_torus(std::uint32_t from, std::uint32_t to, std::vector<sim::LinkId>& out) const;

  Shape shape_ = Shape::none;
  std::uint32_t domain_ = 1;
  std::vector<sim::LinkId> links_;
  std::vector<std::uint8_t> next_;
  std::vector<std::uint32_t> extents_;
};

}  // namespace topologies
