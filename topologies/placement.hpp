// Which device each rank runs on. Identity by default (rank r on device r, as launchers number
// them); a permutation is the hook for other placements.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/ids.hpp"

namespace topologies {

class Placement {
 public:
  Placement() = default;  // identity
  // `device_of_rank[r]` is the device of rank r. REQUIRES: no device twice.
  explicit Placement(std::vector<sim::DeviceId> device_of_rank);

  // REQUIRES: rank >= 0, and listed unless this is the identity.
  sim::DeviceId device_of(std::int64_t rank) const;
  bool is_identity() const { return device_of_rank_.empty(); }

 private:
  std::vector<sim::DeviceId> device_of_rank_;
};

// Ranks dealt out over servers in turn: rank r on server r mod nodes (what `srun
// --distribution=cyclic` or `mpirun --map-by node` do). REQUIRES: gpus = nodes * gpus_per_node.
Placement round_robin(std::int64_t nodes, std::int64_t gpus_per_node);

}  // namespace topologies
