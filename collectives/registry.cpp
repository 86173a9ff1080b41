// The table of algorithms: one line each, in the order `list collectives` prints them.
#include <array>

#include "collectives/algorithms.hpp"
#include "collectives/layout.hpp"

namespace collectives {
namespace {

constexpr std::array kAlgorithms{
    Algorithm{"ring", "bandwidth-optimal, one ring per member of a domain", &ring_applies,
              &ring_schedule, &ring_traffic},
    Algorithm{"tree", "double binary tree over domains, chains inside; binomial broadcast",
              &tree_applies, &tree_schedule, &tree_traffic},
    Algorithm{"halving_doubling", "2 log2 n rounds, groups of a power of two",
              &halving_doubling_applies, &halving_doubling_schedule, &halving_doubling_traffic},
    Algorithm{"hierarchical", "inside the domains, then between equal local indices",
              &hierarchical_applies, &hierarchical_schedule, &hierarchical_traffic},
    Algorithm{"direct", "every pair of members exchanges its part at once", &direct_applies,
              &direct_schedule, &direct_traffic},
    Algorithm{"nvls", "the NVLink switch reduces and multicasts, one domain", &nvls_applies,
              &nvls_schedule, &nvls_traffic},
    Algorithm{"nvls_tree", "in-switch inside a domain, double binary tree between",
              &nvls_tree_applies, &nvls_tree_schedule, &nvls_tree_traffic},
};

}  // namespace

std::span<const Algorithm> algorithms() { return kAlgorithms; }

const Algorithm* find_algorithm(std::string_view name) {
  for (const Algorithm& algorithm : kAlgorithms) {
    if (algorithm.name == name) return &algorithm;
  }
  return nullptr;
}

std::string_view name(Kind kind) {
  switch (kind) {
    case Kind::all_reduce:
      return "all_reduce";
    case Kind::all_gather:
      return "all_gather";
    case Kind::reduce_scatter:
      return "reduce_scatter";
    case Kind::all_to_all:
      return "all_to_all";
    case Kind::broadcast:
      return "broadcast";
    case Kind::send_recv:
      return "send_recv";
  }
  return "unknown";
}

sim::Bytes chunk_bytes(const Schedule& schedule, sim::Bytes bytes, std::uint32_t chunk) {
  if (schedule.kind == Kind::send_recv) return bytes;
  if (schedule.kind == Kind::all_to_all) {
    return part_of(bytes, schedule.members, chunk % schedule.members);
  }
  return part_of(bytes, schedule.chunks, chunk);
}

}  // namespace collectives
