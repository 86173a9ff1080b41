#include "topologies/placement.hpp"

#include <algorithm>

#include "sim/contracts.hpp"

namespace topologies {

Placement::Placement(std::vector<sim::DeviceId> device_of_rank)
    : device_of_rank_(std::move(device_of_rank)) {
  std::vector<sim::DeviceId> sorted = device_of_rank_;
  std::sort(sorted.begin(), sorted.end());
  SIM_EXPECTS(std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end(),
              "two ranks on one device");
}

sim::DeviceId Placement::device_of(std::int64_t rank) const {
  SIM_EXPECTS(rank >= 0, "a rank is not negative");
  const std::size_t index = static_cast<std::size_t>(rank);
  if (is_identity()) return sim::DeviceId{index};
  SIM_EXPECTS(index < device_of_rank_.size(), "a rank without a device");
  return device_of_rank_[index];
}

Placement round_robin(std::int64_t nodes, std::int64_t gpus_per_node) {
  std::vector<sim::DeviceId> devices;
  for (std::int64_t rank = 0; rank < nodes * gpus_per_node; ++rank) {
    const std::int64_t device = rank % nodes * gpus_per_node + rank / nodes;
    devices.push_back(sim::DeviceId{static_cast<std::size_t>(device)});
  }
  return Placement(std::move(devices));
}

}  // namespace topologies
