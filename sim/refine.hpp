// Colour refinement: the coarsest equitable partition of a coloured, edge-labelled graph.
//
// Two vertices stay in one class iff they start with the same colour and, for every (label, class),
// have the same number of neighbours over edges of that label in that class. The result is the
// certificate behind folding: start times and fair rates are constant on the classes of an
// equitable partition (docs/folding.md). O(E log V) up to hashing-free sorting.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sim {

struct LabelledEdge {  // undirected; direction, if it matters, is part of the labels
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  std::uint64_t label_ab = 0;  // how b looks from a
  std::uint64_t label_ba = 0;  // how a looks from b
};

// Classes are numbered by their smallest vertex, in order: class_of[0] == 0.
struct Partition {
  std::vector<std::uint32_t> class_of;        // per vertex
  std::vector<std::uint32_t> representative;  // per class: its smallest vertex
  std::vector<std::uint32_t> class_size;      // per class
};

Partition refine(std::span<const std::uint64_t> initial_colours,
                 std::span<const LabelledEdge> edges);

// True iff the partition refines the initial colours and is equitable; used as the certificate.
bool is_equitable(const Partition& partition, std::span<const std::uint64_t> initial_colours,
                  std::span<const LabelledEdge> edges);

}  // namespace sim
