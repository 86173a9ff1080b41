#include "strategies/group_shape.hpp"

#include <algorithm>
#include <vector>

namespace strategies {

collectives::GroupShape group_shape(std::span<const std::int64_t> members,
                                    const sim::Machine& machine) {
  collectives::GroupShape shape;
  shape.domain.reserve(members.size());
  shape.local.reserve(members.size());
  for (const std::int64_t member : members) {
    const auto& device = machine.devices[sim::DeviceId{static_cast<std::size_t>(member)}];
    shape.domain.push_back(device.nvlink_domain);
    shape.local.push_back(device.local_rank);
  }
  if (members.empty()) return shape;
  const std::uint32_t first = *std::min_element(shape.local.begin(), shape.local.end());
  for (std::uint32_t& local : shape.local) local -= first;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> order;  // domain, first appearance
  for (std::uint32_t i = 0; i < shape.domain.size(); ++i) order.emplace_back(shape.domain[i], i);
  std::sort(order.begin(), order.end());
  order.erase(std::unique(order.begin(), order.end(),
                          [](const auto& a, const auto& b) { return a.first == b.first; }),
              order.end());
  std::vector<std::uint32_t> by_appearance;
  for (const auto& [domain, at] : order) by_appearance.push_back(at);
  std::sort(by_appearance.begin(), by_appearance.end());
  for (std::uint32_t& domain : shape.domain) {
    const auto entry = std::lower_bound(order.begin(), order.end(), std::pair{domain, 0U});
    const auto rank = std::lower_bound(by_appearance.begin(), by_appearance.end(), entry->second);
    domain = static_cast<std::uint32_t>(rank - by_appearance.begin());
  }
  return shape;
}

}  // namespace strategies
