// What communication takes on idle links, as the simulation prices it, without a fleet: for bounds.
// One object a thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "collectives/library.hpp"
#include "scenarios/scenario.hpp"
#include "sim/machine.hpp"
#include "strategies/fleet.hpp"
#include "strategies/mesh.hpp"
#include "strategies/program.hpp"

namespace studies {

inline std::size_t hash_of(std::span<const std::int64_t> numbers) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (const std::int64_t value : numbers) {
    hash = (hash ^ static_cast<std::uint64_t>(value)) * 0x100000001B3ULL;
    hash ^= hash >> 29;
  }
  return hash;
}

// Index of a distinct group shape; kAlone = nobody to communicate with.
using ShapeId = std::uint32_t;
inline constexpr ShapeId kAlone = UINT32_MAX;

using GroupShapes = std::array<ShapeId, strategies::kGroupKinds>;

class QuietPrices {
 public:
  QuietPrices(const scenarios::Scenario& scenario, const sim::Machine& machine);

  // From here on, groups are those of a fleet, which says how equal groups share links: what all of
  // them send at the same instants cannot be faster than the links they load together. Null: every
  // group alone. REQUIRES: the fleet outlives this object.
  void share(const strategies::Fleet* fleet) { fleet_ = fleet; }
  const strategies::Fleet* fleet() const { return fleet_; }

  // The groups of the first rank of a stage: one replica's chain through the pipeline.
  GroupShapes shapes(const strategies::Plan& plan, std::int64_t stage,
                     std::span<const strategies::GroupKind> kinds);
  // The same, from stage 0, with kAlone (no price) where stages differ. Inner groups communicate
  // inside a pass, outer ones exchange gradients and parameters.
  const GroupShapes& inner_shapes(const strategies::Plan& plan);
  const GroupShapes& outer_shapes(const strategies::Plan& plan);

  struct Price {
    double time = 0.0;   // picoseconds until a collective or send is done, at best
    double share = 0.0;  // of the device's compute that it takes while it runs
  };
  const Price& price(collectives::Kind kind, ShapeId shape, sim::Bytes bytes, bool overlapped);
  Price price(const strategies::Op& op, const GroupShapes& shapes) {
    if (strategies::is_with_host(op.group)) return {host_time(op, shapes), 0.0};
    return price(op.collective, shapes[static_cast<std::size_t>(op.group)], op.bytes,
                 op.overlapped);
  }
  double time(collectives::Kind kind, ShapeId shape, sim::Bytes bytes, bool overlapped) {
    return price(kind, shape, bytes, overlapped).time;
  }
  // Of a copy between device and host; 0 for a group that shares no links.
  double copy_time(ShapeId shape, sim::Bytes bytes) const;

 private:
  // How the equal groups of a fleet load links together; by pattern.
  struct Sharing {
    struct Load {
      double bytes = 0.0;      // on the most loaded link, per byte
      double alone_rate = 0;   // bytes/s at which a link of one group is full
      double shared_rate = 0;  // … of all equal groups
      auto operator<=>(const Load&) const = default;
    };
    std::array<Load, strategies::kPatterns> loads;  // rates of 0: no link
    double latency_ps = 0.0;                        // of the links between device and host
    auto operator<=>(const Sharing&) const = default;
  };
  struct Shape {
    collectives::GroupShape members;
    Sharing sharing;
  };
  const GroupShapes& common(const strategies::Plan& plan, std::int64_t shard_group,
                            std::span<const strategies::GroupKind> kinds);
  double host_time(const strategies::Op& op, const GroupShapes& shapes) const;
  ShapeId intern(collectives::GroupShape shape, const Sharing& sharing);
  ShapeId in_common(ShapeId a, ShapeId b);
  Sharing sharing_of(const strategies::Group& group) const;
  double shared_time(const Shape& shape, collectives::Kind kind, sim::Bytes bytes,
                     double transfer) const;
  ShapeId shape_of(const strategies::Plan& plan, std::int64_t rank, strategies::GroupKind kind);

  // Degrees, shard group, order of ranks, fleet.
  using MeshKey = std::array<std::int64_t, 9>;
  struct MeshHash {
    std::size_t operator()(const MeshKey& key) const { return hash_of(key); }
  };
  struct PriceKey {
    std::uint64_t what = 0;
    std::int64_t bytes = 0;
    bool operator==(const PriceKey&) const = default;
  };
  struct PriceHash {
    std::size_t operator()(const PriceKey& key) const {
      return (key.what * 0x9E3779B97F4A7C15ULL) ^ (static_cast<std::uint64_t>(key.bytes) * 31U);
    }
  };

  const sim::Machine& machine_;
  const Price alone_;
  collectives::Fabric fabric_;
  collectives::LibraryProfile library_;
  double slowdown_;
  sim::Bandwidth host_memory_;
  const strategies::Fleet* fleet_ = nullptr;
  std::vector<Shape> known_;
  std::map<std::tuple<std::vector<std::uint32_t>, std::vector<std::uint32_t>, Sharing>, ShapeId>
      ids_;
  std::map<std::string, std::int64_t> orders_;
  std::unordered_map<MeshKey, GroupShapes, MeshHash> common_;  // looked up only, never walked
  std::unordered_map<PriceKey, Price, PriceHash> prices_;      // looked up only, never walked
};

}  // namespace studies
