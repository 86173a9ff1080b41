#include "studies/search_prices.hpp"

#include <algorithm>

#include "scenarios/network.hpp"
#include "strategies/group_shape.hpp"

namespace studies {
namespace {

using strategies::GroupKind;

constexpr double kPicoseconds = 1e12;  // in a second

// Groups whose collectives stand inside a pass.
constexpr std::array kInner{GroupKind::tensor, GroupKind::context, GroupKind::expert,
                            GroupKind::expert_tensor};
constexpr std::array kOuter{GroupKind::tensor,        GroupKind::context, GroupKind::expert,
                            GroupKind::expert_tensor, GroupKind::shard,   GroupKind::replicate,
                            GroupKind::expert_data,   GroupKind::to_host, GroupKind::from_host};

}  // namespace

QuietPrices::QuietPrices(const scenarios::Scenario& scenario, const sim::Machine& machine)
    : machine_(machine),
      fabric_(scenarios::fabric_of(scenario)),
      library_(scenarios::library_of(scenario)),
      slowdown_(scenario.implementation.overlap_slowdown),
      host_memory_(scenarios::host_memory_of(scenario)) {}

// Work of the host, and copies where their links are known, as the simulation prices them.
double QuietPrices::host_time(const strategies::Op& op, const GroupShapes& shapes) const {
  if (op.group != strategies::GroupKind::host) {
    return copy_time(shapes[static_cast<std::size_t>(op.group)], op.bytes);
  }
  return op.bytes.as_double() / host_memory_.bytes_per_second() * kPicoseconds;
}

double QuietPrices::copy_time(ShapeId shape, sim::Bytes bytes) const {
  if (shape == kAlone || bytes == sim::Bytes{0}) return 0.0;
  const Sharing& sharing = known_[shape].sharing;
  const Sharing::Load& load = sharing.loads[static_cast<std::size_t>(strategies::Pattern::ring)];
  const double rate = std::min(load.alone_rate, load.shared_rate);
  return sharing.latency_ps + (rate > 0.0 ? bytes.as_double() / rate * kPicoseconds : 0.0);
}

ShapeId QuietPrices::intern(collectives::GroupShape shape, const Sharing& sharing) {
  auto key = std::make_tuple(shape.domain, shape.local, sharing);
  const auto [entry, is_new] =
      ids_.try_emplace(std::move(key), static_cast<ShapeId>(known_.size()));
  if (is_new) known_.push_back({std::move(shape), sharing});
  return entry->second;
}

QuietPrices::Sharing QuietPrices::sharing_of(const strategies::Group& group) const {
  const auto full_at = [&](const std::vector<sim::LinkUse>& uses) {
    double rate = 0.0;
    for (const sim::LinkUse& use : uses) {
      const double one = machine_.links[use.link].capacity.bytes_per_second() / use.weight;
      rate = rate == 0.0 ? one : std::min(rate, one);
    }
    return rate;
  };
  Sharing out;
  for (std::size_t p = 0; p < strategies::kPatterns; ++p) {
    const strategies::LinkPattern& pattern = group.patterns[p];
    out.loads[p] = {pattern.load, full_at(pattern.alone), full_at(pattern.shared)};
  }
  if (strategies::is_with_host(group.kind)) {
    for (const sim::LinkUse& use :
         group.patterns[static_cast<std::size_t>(strategies::Pattern::ring)].alone)
      out.latency_ps += static_cast<double>(machine_.links[use.link].latency.count());
  }
  return out;
}

// What two stages have in common: nothing, or the same members and the lighter loads of links.
ShapeId QuietPrices::in_common(ShapeId a, ShapeId b) {
  if (a == b) return a;
  if (a == kAlone || b == kAlone) return kAlone;
  const Shape& one = known_[a];
  const Shape& other = known_[b];
  if (one.members.domain != other.members.domain || one.members.local != other.members.local) {
    return kAlone;
  }
  Sharing both;
  both.latency_ps = std::min(one.sharing.latency_ps, other.sharing.latency_ps);
  for (std::size_t p = 0; p < strategies::kPatterns; ++p) {
    const Sharing::Load& x = one.sharing.loads[p];
    const Sharing::Load& y = other.sharing.loads[p];
    if (x == y) both.loads[p] = x;  // else as if no link was loaded
  }
  return intern(one.members, both);
}

ShapeId QuietPrices::shape_of(const strategies::Plan& plan, std::int64_t rank, GroupKind kind) {
  if (fleet_ != nullptr) {
    const strategies::Group* group =
        fleet_->group(fleet_->stands_for[static_cast<std::size_t>(rank)], kind);
    if (group == nullptr) return kAlone;
    if (strategies::is_with_host(kind)) return intern({}, sharing_of(*group));
    if (group->members.size() < 2) return kAlone;
    return intern(fleet_->shapes[group->shape], sharing_of(*group));
  }
  if (strategies::is_with_host(kind)) return kAlone;
  const auto members = strategies::group_members(plan, strategies::dense_mesh(plan),
                                                 strategies::expert_mesh(plan), kind, rank);
  return members.size() < 2 ? kAlone : intern(strategies::group_shape(members, machine_), {});
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
  auto order = orders_.find(plan.rank_order);
  if (order == orders_.end()) order = orders_.emplace(plan.rank_order, orders_.size()).first;
  const MeshKey key{plan.tp,
                    plan.cp,
                    plan.pp,
                    plan.ep,
                    plan.etp,
                    plan.dp,
                    shard_group,
                    order->second,
                    static_cast<std::int64_t>(reinterpret_cast<std::intptr_t>(fleet_))};
  const auto [entry, is_new] = common_.try_emplace(key);
  if (!is_new) return entry->second;
  GroupShapes found = shapes(plan, 0, kinds);
  for (std::int64_t stage = 1; stage < plan.pp; ++stage) {
    const GroupShapes other = shapes(plan, stage, kinds);
    for (std::size_t k = 0; k < other.size(); ++k) found[k] = in_common(found[k], other[k]);
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
      collectives::price(kind, known_[shape].members, bytes, fabric_, library_, call);
  const double stretch = overlapped ? 1.0 + slowdown_ : 1.0;
  double moved = bytes == sim::Bytes{0} ? 0.0 : static_cast<double>(price.transfer.count());
  moved = std::max(moved * stretch, shared_time(known_[shape], kind, bytes, moved * stretch));
  entry->second.time = static_cast<double>(price.latency.count()) + moved;
  entry->second.share = price.sm_share;
  return entry->second;
}

// Of what TransferPrices::price() puts on the links, when all equal groups do it at once.
double QuietPrices::shared_time(const Shape& shape, collectives::Kind kind, sim::Bytes bytes,
                                double transfer) const {
  using strategies::Pattern;
  const bool pairs = kind == collectives::Kind::all_to_all;
  const Sharing::Load& load =
      shape.sharing.loads[static_cast<std::size_t>(pairs ? Pattern::direct : Pattern::ring)];
  if (load.shared_rate == 0.0 || transfer <= 0.0) return 0.0;
  const double twice = kind == collectives::Kind::all_reduce ? 2.0 : 1.0;
  const double by_pattern = bytes.as_double() * load.bytes * twice;
  const double by_time = transfer / kPicoseconds * load.alone_rate;
  return std::min(by_pattern, by_time) / load.shared_rate * kPicoseconds;
}

}  // namespace studies
