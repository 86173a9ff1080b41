#include "topologies/scale_up.hpp"

namespace topologies {

ScaleUp ScaleUp::star(std::int64_t domain, std::vector<sim::LinkId> up) {
  ScaleUp made;
  made.shape_ = Shape::star;
  made.domain_ = static_cast<std::uint32_t>(domain);
  made.links_ = std::move(up);
  return made;
}

ScaleUp ScaleUp::mesh(std::int64_t domain, std::vector<sim::LinkId> direct,
                      std::vector<std::uint8_t> next) {
  ScaleUp made;
  made.shape_ = Shape::mesh;
  made.domain_ = static_cast<std::uint32_t>(domain);
  made.links_ = std::move(direct);
  made.next_ = std::move(next);
  return made;
}

ScaleUp ScaleUp::torus(std::vector<std::int64_t> extents, std::vector<sim::LinkId> forward) {
  ScaleUp made;
  made.shape_ = Shape::torus;
  made.domain_ = 1;
  for (const std::int64_t extent : extents) {
    made.extents_.push_back(static_cast<std::uint32_t>(extent));
    made.domain_ *= made.extents_.back();
  }
  made.links_ = std::move(forward);
  return made;
}

bool ScaleUp::reaches(sim::DeviceId from, sim::DeviceId to) const {
  return shape_ != Shape::none && from.value() / domain_ == to.value() / domain_;
}

void ScaleUp::append_route(sim::DeviceId from, sim::DeviceId to,
                           std::vector<sim::LinkId>& out) const {
  if (from == to) return;
  switch (shape_) {
    case Shape::none:
      break;
    case Shape::star:
      out.push_back(links_[from.index()]);
      out.push_back(reverse(links_[to.index()]));
      break;
    case Shape::mesh:
      append_mesh(from.value(), to.value(), out);
      break;
    case Shape::torus:
      append_torus(from.value(), to.value(), out);
      break;
  }
}

void ScaleUp::append_switch_route(sim::DeviceId device, bool to_switch,
                                  std::vector<sim::LinkId>& out) const {
  if (shape_ != Shape::star) return;
  const sim::LinkId up = links_[device.index()];
  out.push_back(to_switch ? up : reverse(up));
}

void ScaleUp::append_mesh(std::uint32_t from, std::uint32_t to,
                          std::vector<sim::LinkId>& out) const {
  const std::uint32_t base = from / domain_ * domain_;
  std::uint32_t at = from - base;
  const std::uint32_t end = to - base;
  while (at != end) {
    const std::uint32_t via = next_[at * domain_ + end];
    out.push_back(links_[(base + at) * std::size_t{domain_} + via]);
    at = via;
  }
}

// Dimension order: corrects the first coordinate, then the second, … each the shorter way round
// the ring; where both ways are equally long, upwards from even coordinates and downwards from odd
// ones, so that uniform traffic loads both directions alike.
void ScaleUp::append_torus(std::uint32_t from, std::uint32_t to,
                           std::vector<sim::LinkId>& out) const {
  std::uint32_t stride = 1;
  for (std::size_t d = 0; d < extents_.size(); ++d) {
    const std::uint32_t extent = extents_[d];
    std::uint32_t x = from / stride % extent;
    const std::uint32_t end = to / stride % extent;
    const std::uint32_t ahead = (end + extent - x) % extent;
    const bool upwards = 2 * ahead < extent || (2 * ahead == extent && x % 2 == 0);
    while (x != end) {
      const std::uint32_t next_x = upwards ? (x + 1) % extent : (x + extent - 1) % extent;
      const std::uint32_t next = from - x * stride + next_x * stride;
      const std::uint32_t lower = upwards ? from : next;
      const sim::LinkId link = links_[lower * extents_.size() + d];
      out.push_back(upwards ? link : reverse(link));
      from = next;
      x = next_x;
    }
    stride *= extent;
  }
}

}  // namespace topologies
