#include "strategies/mesh.hpp"

#include <algorithm>

#include "sim/contracts.hpp"

namespace strategies {
namespace {

constexpr std::array<std::string_view, kAxes> kAxisNames{"tp", "cp", "ep", "dp", "pp"};

Axis axis_of(std::string_view text) {
  const auto found = std::find(kAxisNames.begin(), kAxisNames.end(), text);
  SIM_EXPECTS(found != kAxisNames.end(), "rank_order names an unknown dimension");
  return static_cast<Axis>(found - kAxisNames.begin());
}

// Of `ranks`, ascending: the ones in the same consecutive part as `rank`, or at the same place of
// every part.
std::vector<std::int64_t> part_of(const std::vector<std::int64_t>& ranks, std::int64_t rank,
                                  std::int64_t part, bool same_part) {
  const auto position = std::lower_bound(ranks.begin(), ranks.end(), rank) - ranks.begin();
  const auto count = static_cast<std::int64_t>(ranks.size());
  if (same_part) {
    const std::int64_t first = position / part * part;
    return {ranks.begin() + first, ranks.begin() + std::min(first + part, count)};
  }
  std::vector<std::int64_t> out;
  for (std::int64_t i = position % part; i < count; i += part)
    out.push_back(ranks[static_cast<std::size_t>(i)]);
  return out;
}

}  // namespace

Mesh::Mesh(std::string_view rank_order, const std::array<std::int64_t, kAxes>& sizes)
    : sizes_(sizes) {
  std::size_t begin = 0;
  std::size_t named = 0;
  while (begin <= rank_order.size()) {
    const std::size_t end = std::min(rank_order.find('-', begin), rank_order.size());
    const Axis axis = axis_of(rank_order.substr(begin, end - begin));
    SIM_EXPECTS(strides_[index(axis)] == 0, "rank_order names a dimension twice");
    strides_[index(axis)] = world_;
    world_ *= sizes_[index(axis)];
    ++named;
    begin = end + 1;
  }
  SIM_EXPECTS(named == kAxes, "rank_order must name every dimension");
}

std::vector<std::int64_t> Mesh::peers(std::int64_t rank, std::initializer_list<Axis> axes) const {
  std::int64_t base = rank;
  for (Axis axis : axes) base = moved(base, axis, 0);
  std::vector<std::int64_t> out{base};
  for (Axis axis : axes) {
    const std::size_t count = out.size();
    out.reserve(count * static_cast<std::size_t>(size(axis)));
    for (std::int64_t c = 1; c < size(axis); ++c) {  // all of them have coordinate 0 so far
      for (std::size_t i = 0; i < count; ++i) out.push_back(out[i] + c * strides_[index(axis)]);
    }
  }
  if (!std::is_sorted(out.begin(), out.end())) std::sort(out.begin(), out.end());
  return out;
}

Mesh dense_mesh(const Plan& plan) {
  return Mesh(plan.rank_order, {plan.tp, plan.cp, 1, plan.dp, plan.pp});
}

Mesh expert_mesh(const Plan& plan) {
  const std::int64_t edp = plan.tp * plan.cp * plan.dp / (plan.etp * plan.ep);
  return Mesh(plan.rank_order, {plan.etp, 1, plan.ep, edp, plan.pp});
}

std::string_view name(GroupKind kind) {
  constexpr std::array<std::string_view, kGroupKinds> names{
      "tensor",  "context",      "context heads", "context ring", "expert",         "expert tensor",
      "shard",   "shard across", "shard inside",  "secondary",    "replicate",      "expert data",
      "replica", "stage",        "embedding",     "next stage",   "previous stage", "mirror",
      "to host", "from host",    "host"};
  return names[static_cast<std::size_t>(kind)];
}

bool is_with_host(GroupKind kind) {
  return kind == GroupKind::to_host || kind == GroupKind::from_host || kind == GroupKind::host;
}

std::vector<std::int64_t> group_members(const Plan& plan, const Mesh& dense, const Mesh& expert,
                                        GroupKind kind, std::int64_t rank) {
  const std::int64_t stage = dense.coordinate(rank, Axis::pp);
  switch (kind) {
    case GroupKind::tensor:
      return dense.peers(rank, {Axis::tp});
    case GroupKind::context:
      return dense.peers(rank, {Axis::cp});
    case GroupKind::context_heads:
    case GroupKind::context_ring:
      return part_of(dense.peers(rank, {Axis::cp}), rank, plan.cp_ulysses,
                     kind == GroupKind::context_heads);
    case GroupKind::expert:
      return expert.peers(rank, {Axis::ep});
    case GroupKind::expert_tensor:
      return expert.peers(rank, {Axis::tp});
    case GroupKind::shard:
    case GroupKind::replicate:
      return part_of(dense.peers(rank, {Axis::cp, Axis::dp}), rank, plan.shard_group,
                     kind == GroupKind::shard);
    case GroupKind::shard_across:
    case GroupKind::shard_inside: {
      const auto replicas = dense.peers(rank, {Axis::cp, Axis::dp});
      return part_of(part_of(replicas, rank, plan.shard_group, true), rank, plan.gather_group,
                     kind == GroupKind::shard_inside);
    }
    case GroupKind::secondary:
      return part_of(dense.peers(rank, {Axis::cp, Axis::dp}), rank, plan.secondary_shard, true);
    case GroupKind::expert_data:
      return expert.peers(rank, {Axis::dp});
    case GroupKind::replica:
      return dense.peers(rank, {Axis::tp, Axis::cp});
    case GroupKind::stage:
      return dense.peers(rank, {Axis::tp, Axis::cp, Axis::dp});
    case GroupKind::embedding: {
      const std::int64_t last = plan.pp - 1;
      if (last == 0 || (stage != 0 && stage != last)) return {rank};
      return {dense.moved(rank, Axis::pp, 0), dense.moved(rank, Axis::pp, last)};
    }
    case GroupKind::next_stage:
      if (plan.pp == 1) return {rank};
      return {rank, dense.moved(rank, Axis::pp, (stage + 1) % plan.pp)};
    case GroupKind::previous_stage:
      if (plan.pp == 1) return {rank};
      return {rank, dense.moved(rank, Axis::pp, (stage + plan.pp - 1) % plan.pp)};
    case GroupKind::mirror: {
      const std::int64_t outer = std::min(stage, plan.pp - 1 - stage);
      if (outer == plan.pp - 1 - outer) return {rank};
      return {dense.moved(rank, Axis::pp, outer), dense.moved(rank, Axis::pp, plan.pp - 1 - outer)};
    }
    case GroupKind::to_host:
    case GroupKind::from_host:
    case GroupKind::host:
      return {rank};
  }
  return {rank};
}

}  // namespace strategies
