// Inputs of the engine's benchmarks. Seeded, equal on every platform.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/fair_share.hpp"
#include "sim/refine.hpp"
#include "sim/simulate.hpp"

namespace sim::bench {

// splitmix64 (Steele et al. 2014).
inline std::uint64_t mix(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15U);
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31U);
}

// Compute tasks of `ranks` ranks in time-major order; each follows the previous task of its rank
// and of the next rank.
TaskGraph compute_grid(std::size_t ranks, std::size_t tasks);

enum class Starts { together, jittered };

// A ring all-reduce of `n` ranks as 2(n-1)n messages over one link each. Jittered: each message
// waits up to 200 ns more, so that no two events coincide.
TaskGraph ring_all_reduce(std::size_t n, Starts starts);
IdVector<LinkId, Link> ring_links(std::size_t n);

// `flows` flows of a random permutation on a leaf-spine fabric with 2:1 oversubscription, 32 hosts
// a leaf: four links a flow.
struct LeafSpine {
  IdVector<LinkId, Link> links;
  std::vector<std::vector<LinkUse>> routes;
  std::vector<FlowClass> classes;
};
LeafSpine leaf_spine(std::size_t flows);

// Ranks of dp x pp x tp with their groups, and the links of a rail-aligned fat tree: the graph that
// folding refines. 16,384 ranks give about 41,000 links and 500,000 edges.
struct ClusterGraph {
  std::vector<std::uint64_t> colours;
  std::vector<LabelledEdge> edges;
};
ClusterGraph cluster_graph(std::uint32_t ranks);

}  // namespace sim::bench
