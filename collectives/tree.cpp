// Tree. All-reduce: NCCL's double binary tree over the domains with a chain inside each domain;
// half of the buffer goes up and down one tree, half the other. As with rings, every member of a
// domain heads one pair of trees, so that all NICs share the bytes. Broadcast: a binomial tree,
// the farthest partners first.
#include <algorithm>
#include <bit>

#include "collectives/algorithms.hpp"
#include "collectives/binary_tree.hpp"
#include "collectives/layout.hpp"

namespace collectives {
namespace {

constexpr std::uint32_t kSlices = 4;  // pieces in flight behind each other on the way up and down

// Parent of every member in the tree of one rotation: inside a domain the chain r, r + 1, …, whose
// head r hangs below the head of the parent domain.
std::vector<std::uint32_t> member_parents(const Layout& layout,
                                          const std::vector<std::uint32_t>& domain_parents,
                                          std::uint32_t rotation) {
  std::vector<std::uint32_t> parents(layout.size());
  for (std::uint32_t d = 0; d < layout.domains(); ++d) {
    for (std::uint32_t j = 0; j < layout.count(d); ++j) {
      const std::uint32_t member = layout.at(d, rotation + j);
      if (j > 0) {
        parents[member] = layout.at(d, rotation + j - 1);
      } else {
        const std::uint32_t up = domain_parents[d];
        parents[member] = up == kRoot ? kRoot : layout.at(up, rotation);
      }
    }
  }
  return parents;
}

// Edges between a member and the root of its tree, and between it and its deepest descendant.
struct Levels {
  std::vector<std::uint32_t> depth;
  std::vector<std::uint32_t> height;
  std::uint32_t deepest = 0;
};

Levels levels_of(const std::vector<std::uint32_t>& parents) {
  Levels levels;
  levels.depth.resize(parents.size());
  levels.height.resize(parents.size());
  for (std::uint32_t v = 0; v < parents.size(); ++v) {
    std::uint32_t distance = 0;
    for (std::uint32_t up = v; up != kRoot; up = parents[up], ++distance) {
      levels.height[up] = std::max(levels.height[up], distance);
    }
    levels.depth[v] = distance - 1;
    levels.deepest = std::max(levels.deepest, distance - 1);
  }
  return levels;
}

void add_tree(const std::vector<std::uint32_t>& parents, std::uint32_t first_chunk,
              Schedule& schedule) {
  const Levels levels = levels_of(parents);
  const std::size_t needed = 2 * levels.deepest + kSlices - 1;
  if (schedule.rounds.size() < needed) schedule.rounds.resize(needed);
  for (std::uint32_t v = 0; v < parents.size(); ++v) {
    if (parents[v] == kRoot) continue;
    for (std::uint32_t slice = 0; slice < kSlices; ++slice) {
      const std::uint32_t chunk = first_chunk + slice;
      schedule.rounds[levels.height[v] + slice].push_back({v, parents[v], chunk, true});
      schedule.rounds[levels.deepest + levels.depth[v] - 1 + slice].push_back(
          {parents[v], v, chunk, false});
    }
  }
}

// Positions of a binomial tree rooted at member 0, its domain first.
std::vector<std::uint32_t> broadcast_order(const Layout& layout) {
  std::vector<std::uint32_t> order = layout.member;  // member 0 is in the first domain
  std::rotate(order.begin(), std::find(order.begin(), order.end(), 0U),
              order.begin() + layout.begin[1]);
  return order;
}

std::vector<std::vector<Send>> binomial_rounds(const Layout& layout) {
  const std::vector<std::uint32_t> order = broadcast_order(layout);
  std::vector<std::vector<Send>> rounds;
  for (std::uint32_t stride = std::bit_ceil(layout.size()) / 2; stride > 0; stride /= 2) {
    std::vector<Send>& round = rounds.emplace_back();
    for (std::uint32_t x = 0; x + stride < order.size(); x += 2 * stride) {
      round.push_back({order[x], order[x + stride], 0, false});
    }
  }
  return rounds;
}

}  // namespace

bool tree_applies(Kind kind, const GroupShape&) {
  return kind == Kind::all_reduce || kind == Kind::broadcast;
}

Schedule tree_schedule(Kind kind, const GroupShape& shape) {
  const Layout layout = lay_out(shape);
  Schedule schedule{kind, layout.size(), 0, 1, {}};
  if (layout.size() < 2) return schedule;
  if (kind == Kind::broadcast) {
    schedule.rounds = binomial_rounds(layout);
    return schedule;
  }
  const std::uint32_t rotations = layout.max_count();
  schedule.chunks = 2 * rotations * kSlices;
  for (std::uint32_t tree = 0; tree < 2; ++tree) {
    const std::vector<std::uint32_t> up = double_tree_parents(layout.domains(), tree);
    for (std::uint32_t r = 0; r < rotations; ++r) {
      add_tree(member_parents(layout, up, r), (tree * rotations + r) * kSlices, schedule);
    }
  }
  return schedule;
}

std::vector<Edge> tree_traffic(Kind kind, const GroupShape& shape, sim::Bytes bytes) {
  const Layout layout = lay_out(shape);
  if (layout.size() < 2) return {};
  TrafficSum sum(layout.size());
  if (kind == Kind::broadcast) {
    for (const auto& round : binomial_rounds(layout)) {
      for (const Send& send : round) sum.add(send.from, send.to, bytes);
    }
    return sum.edges();
  }
  const std::uint32_t rotations = layout.max_count();
  for (std::uint32_t tree = 0; tree < 2; ++tree) {
    const std::vector<std::uint32_t> up = double_tree_parents(layout.domains(), tree);
    for (std::uint32_t r = 0; r < rotations; ++r) {
      const std::vector<std::uint32_t> parents = member_parents(layout, up, r);
      const sim::Bytes share =
          parts_of(bytes, 2 * rotations * kSlices, (tree * rotations + r) * kSlices, kSlices);
      for (std::uint32_t v = 0; v < parents.size(); ++v) {
        if (parents[v] == kRoot) continue;
        sum.add(v, parents[v], share);
        sum.add(parents[v], v, share);
      }
    }
  }
  return sum.edges();
}

}  // namespace collectives
