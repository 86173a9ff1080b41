#include "collectives/binary_tree.hpp"

#include <bit>

namespace collectives {
namespace {

// Vertex 0 is the root with one child, the largest power of two; below it an in-order tree: the
// height of a vertex is its number of trailing zero bits (NVIDIA/nccl src/graph/trees.cc).
std::uint32_t base_parent(std::uint32_t n, std::uint32_t vertex) {
  if (vertex == 0) return kRoot;
  const std::uint32_t bit = 1U << std::countr_zero(vertex);
  const std::uint32_t right = (vertex ^ bit) | (bit << 1);
  return right < n ? right : vertex ^ bit;
}

}  // namespace

std::vector<std::uint32_t> double_tree_parents(std::uint32_t n, std::uint32_t tree) {
  std::vector<std::uint32_t> parents(n);
  // The second tree is the first one mirrored (n even) or shifted by one (n odd).
  const auto to_base = [&](std::uint32_t v) {
    if (tree == 0) return v;
    return n % 2 == 0 ? n - 1 - v : (v + n - 1) % n;
  };
  const auto from_base = [&](std::uint32_t b) {
    if (tree == 0) return b;
    return n % 2 == 0 ? n - 1 - b : (b + 1) % n;
  };
  for (std::uint32_t v = 0; v < n; ++v) {
    const std::uint32_t parent = base_parent(n, to_base(v));
    parents[v] = parent == kRoot ? kRoot : from_base(parent);
  }
  return parents;
}

}  // namespace collectives
