#include "studies/search_prices.hpp"

#include "scenarios/network.hpp"
#include "strategies/group_shape.hpp"

namespace studies {
namespace {

using strategies::GroupKind;

// Groups whose collectives stand inside a pass.
constexpr std::array kInner{GroupKind::tensor, GroupKind::context, GroupKind::expert,
                            GroupKind::expert_tensor};
constexpr std::array kOuter{GroupKind::tensor,        GroupKind::context, GroupKind::expert,
                            GroupKind::expert_tensor, GroupKind::shard,   GroupKind::replicate,
                            GroupKind::expert_data};

}  // namespace

QuietPrices::QuietPrices(const scenarios::Scenario& scenario, const sim::Machine& machine)
    : machine_(machine),
      fabric_(scenarios::fabric_of(scenario)),
      library_(scenarios::library_of(scenario)),
      slowdown_(scenario.implementation.overlap_slowdown),
      host_memory_(scenarios::host_memory_of(scenario)) {}

// Work of the host, as the simulation prices it; copies are taken to hide behind it.
double QuietPrices::host_time(const strategies::Op& op) const {
  constexpr double kPicoseconds = 1e12;
  if (op.group != strategies::GroupKind::host) return 0.0;
  return op.bytes.as_double() / host_memory_.bytes_per_second() * kPicoseconds;
}

ShapeId QuietPrices::intern(collectives::GroupShape shape) {
  auto key = std::make_pair(shape.domain, shape.local);
  const auto [entry, is_new] =
      ids_.try_emplace(std::move(key), static_cast<ShapeId>(known_.size()));
  if (is_new) known_.push_back(std::move(shape));
  return entry->second;
}

ShapeId QuietPrices::shape_of(const strategies::Plan& plan, std::int64_t rank, GroupKind kind) {
  const auto members = strategies::group_members(plan, strategies::dense_mesh(plan),
                                                 strategies::expert_mesh(plan), kind, rank);
  return members.size() < 2 ? kAlone : intern(strategies::group_shape(members, machine_));
}

GroupShapes QuietPrices::shapes(const strategies::Plan& plan, std::int64_t stage,
                                std::span<const GroupKind> kinds) {
  GroupShapes out;
  out.fill(kAlone);
  const std::int64_t rank = strategies::dense_mesh(plan).moved(0, strategies::Axis::pp, stage);
  for (const GroupKind kind : kinds) {
    out[static_cast<std::size_t>(kind)] = shape_of(plan, rank, kind);
  }
  return out;
}

const GroupShapes& QuietPrices::common(const strategies::Plan& plan, std::int64_t shard_group,
                                       std::span<const GroupKind> kinds) {
  const MeshKey key{plan.tp, plan.cp, plan.pp, plan.ep, plan.etp, plan.dp, shard_group};
  const auto [entry, is_new] = common_.try_emplace({key, plan.rank_order});
  if (!is_new) return entry->second;
  GroupShapes found = shapes(plan, 0, kinds);
  for (std::int64_t stage = 1; stage < plan.pp; ++stage) {
    const GroupShapes other = shapes(plan, stage, kinds);
    for (std::size_t k = 0; k < other.size(); ++k) {
      if (other[k] != found[k]) found[k] = kAlone;
    }
  }
  return entry->second = found;
}

const GroupShapes& QuietPrices::inner_shapes(const strategies::Plan& plan) {
  return common(plan, 0, kInner);
}

const GroupShapes& QuietPrices::outer_shapes(const strategies::Plan& plan) {
  return common(plan, plan.shard_group, kOuter);
}

const QuietPrices::Price& QuietPrices::price(collectives::Kind kind, ShapeId shape,
                                             sim::Bytes bytes, bool overlapped) {
  if (shape == kAlone) return alone_;
  const PriceKey key{(static_cast<std::uint64_t>(shape) << 8) |
                         (static_cast<std::uint64_t>(kind) << 1) | (overlapped ? 1U : 0U),
                     bytes.count()};
  const auto [entry, is_new] = prices_.try_emplace(key);
  if (!is_new) return entry->second;
  const auto call = overlapped ? collectives::Call::nonblocking : collectives::Call::blocking;
  const collectives::Price price =
      collectives::price(kind, known_[shape], bytes, fabric_, library_, call);
  const double stretch = overlapped ? 1.0 + slowdown_ : 1.0;
  const double moved = bytes == sim::Bytes{0} ? 0.0 : static_cast<double>(price.transfer.count());
  entry->second.time = static_cast<double>(price.latency.count()) + moved * stretch;
  entry->second.share = price.sm_share;
  return entry->second;
}

}  // namespace studies
