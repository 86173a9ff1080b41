// The two trees of a double binary tree (Sanders, Speck and Träff, 2009) in the shape NCCL gives
// them: what is a leaf in one tree is an inner vertex in the other, so that every vertex sends and
// receives the same over both.
#pragma once

#include <cstdint>
#include <vector>

namespace collectives {

inline constexpr std::uint32_t kRoot = 0xffffffffU;

// Parent of each of n vertices in tree 0 or 1; kRoot for its root.
std::vector<std::uint32_t> double_tree_parents(std::uint32_t n, std::uint32_t tree);

}  // namespace collectives
