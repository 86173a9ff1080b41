// The rank mesh: which coordinate of each parallel dimension a rank has, and who its peers are.
//
// rank_order lists the dimensions from the fastest-varying one (neighbouring ranks) to the slowest.
// Dense and expert parameters live on two meshes over the same ranks, as in Megatron-Core: the
// dense mesh has tp x cp x dp x pp, the expert mesh etp x ep x edp x pp (cp = 1).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "strategies/plan.hpp"

namespace strategies {

enum class Axis : std::uint8_t { tp, cp, ep, dp, pp };
inline constexpr std::size_t kAxes = 5;

class Mesh {
 public:
  // REQUIRES: rank_order names each of tp, cp, ep, dp, pp once, joined by '-'.
  Mesh(std::string_view rank_order, const std::array<std::int64_t, kAxes>& sizes);

  std::int64_t size() const { return world_; }
  std::int64_t size(Axis axis) const { return sizes_[index(axis)]; }
  // Between neighbours on an axis.
  std::int64_t stride(Axis axis) const { return strides_[index(axis)]; }
  std::int64_t coordinate(std::int64_t rank, Axis axis) const {
    return rank / strides_[index(axis)] % sizes_[index(axis)];
  }
  // The rank whose coordinate on `axis` is replaced.
  std::int64_t moved(std::int64_t rank, Axis axis, std::int64_t coordinate) const {
    return rank + (coordinate - this->coordinate(rank, axis)) * strides_[index(axis)];
  }
  // Ranks that differ from `rank` only on the given axes, ascending.
  std::vector<std::int64_t> peers(std::int64_t rank, std::initializer_list<Axis> axes) const;

 private:
  static std::size_t index(Axis axis) { return static_cast<std::size_t>(axis); }
  std::array<std::int64_t, kAxes> sizes_{};
  std::array<std::int64_t, kAxes> strides_{};
  std::int64_t world_ = 1;
};

Mesh dense_mesh(const Plan& plan);
Mesh expert_mesh(const Plan& plan);

// A set of ranks that communicate. p2p kinds have two members: sender, receiver.
enum class GroupKind : std::uint8_t {
  tensor,          // the ranks that share a layer's matrices
  context,         // the ranks that share a sequence
  context_heads,   // those of them that exchange heads, where the rest form rings (hybrid)
  context_ring,    // and those rings
  expert,          // the ranks that share the experts of a layer (all-to-all)
  expert_tensor,   // the ranks that share one expert's matrices
  shard,           // data-parallel ranks that share one sharded copy (all of them without HSDP)
  shard_across,    // hierarchical gather: ranks of a shard group at the same place of every node
  shard_inside,    // and those on the same node
  secondary,       // the part of a shard group that holds a second copy (hpZ)
  replicate,       // equal shards of different shard groups (HSDP)
  expert_data,     // replicas of the same experts
  replica,         // the ranks of a stage that share one copy of the model: tp x cp
  stage,           // all ranks of a stage: tp x cp x dp
  embedding,       // first and last stage, when they tie the embedding
  next_stage,      // this rank -> the same place in the next pipeline stage
  previous_stage,  // this rank -> the same place in the previous pipeline stage
  mirror,          // stages s and pp - 1 - s, when both hold copies of the same pieces (DualPipe)
  to_host,         // this rank -> the memory of its host
  from_host,       // the memory of its host -> this rank
  host             // this rank's share of the processors of its host
};
inline constexpr std::size_t kGroupKinds = 21;

std::string_view name(GroupKind kind);

// Of one rank and its host, not of several ranks.
bool is_with_host(GroupKind kind);

// The members of `rank`'s group, in ring order; a single member where the dimension has size one.
std::vector<std::int64_t> group_members(const Plan& plan, const Mesh& dense, const Mesh& expert,
                                        GroupKind kind, std::int64_t rank);

}  // namespace strategies
