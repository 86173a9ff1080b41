// Ring (Patarasuk and Yuan, JPDC 2009): reduce-scatter and all-gather in n - 1 rounds each, every
// member sending (n - 1) / n of the buffer to the next one.
//
// Over several domains, NCCL builds one ring per channel and lets each leave the domain through
// another member, so that all NICs carry an equal share. Here: as many rings as the largest domain
// has members, each over its share of the buffer. With equal domains, ring r enters and leaves
// domains so that every edge between domains joins members of equal local index (the same rail);
// only two members per domain and an odd number of domains make that impossible for one edge.
#include <algorithm>

#include "collectives/algorithms.hpp"
#include "collectives/layout.hpp"

namespace collectives {
namespace {

enum class Walk { up, down, third };

// Appends the members of one domain for ring r. up: enters at r, leaves at r - 1; down: enters at
// r - 1, leaves at r; third: enters at r - 2, leaves at r (closes an odd number of domains).
void walk_domain(const Layout& layout, std::uint32_t domain, std::uint32_t r, Walk walk,
                 std::vector<std::uint32_t>& order) {
  const std::uint32_t p = layout.count(domain);
  const std::uint32_t start = r % p + p;
  const std::uint32_t lead = walk == Walk::third ? p - 2 : p;
  for (std::uint32_t i = 0; i < lead; ++i) {
    const std::uint32_t j = walk == Walk::up     ? start + i
                            : walk == Walk::down ? start + p - 1 - i
                                                 : start + p - 2 - i;
    order.push_back(layout.at(domain, j));
  }
  if (walk == Walk::third) {
    order.push_back(layout.at(domain, start + p - 1));
    order.push_back(layout.at(domain, start));
  }
}

std::vector<std::uint32_t> ring_order(const Layout& layout, bool uniform, std::uint32_t r) {
  std::vector<std::uint32_t> order;
  order.reserve(layout.size());
  const bool third = layout.domains() % 2 == 1 && layout.domains() > 1 && layout.count(0) > 2;
  for (std::uint32_t d = 0; d < layout.domains(); ++d) {
    if (!uniform) {
      walk_domain(layout, d, r, Walk::up, order);
    } else if (third && d == 1) {  // enters where domain 0 left, leaves one further
      walk_domain(layout, d, r + layout.count(0) - 1, Walk::up, order);
    } else if (third && d == 2) {
      walk_domain(layout, d, r, Walk::third, order);
    } else {
      const bool even = (d - (third && d > 2 ? 1 : 0)) % 2 == 0;
      walk_domain(layout, d, r, even ? Walk::up : Walk::down, order);
    }
  }
  return order;
}

std::uint32_t ring_count(const Layout& layout) {
  return layout.domains() > 1 ? layout.max_count() : 1;
}

// Rounds first, first + 1, …: a member's part travels once around ring r. A reducing pass ends
// with the sum of part q at position q; a gathering pass starts from there.
void pass(const std::vector<std::uint32_t>& order, std::uint32_t r, std::uint32_t rings,
          bool reduce, std::size_t first, Schedule& schedule) {
  const std::uint32_t n = schedule.members;
  for (std::uint32_t t = 0; t + 1 < n; ++t) {
    for (std::uint32_t q = 0; q < n; ++q) {
      const std::uint32_t part = (q + 2 * n - t - (reduce ? 1 : 0)) % n;
      schedule.rounds[first + t].push_back(
          {order[q], order[(q + 1) % n], order[part] * rings + r, reduce});
    }
  }
}

// The ring opened at member 0: pieces flow down the path, each member one round behind.
void broadcast_pass(std::vector<std::uint32_t> order, std::uint32_t r, std::uint32_t rings,
                    Schedule& schedule) {
  std::rotate(order.begin(), std::find(order.begin(), order.end(), 0U), order.end());
  const std::uint32_t n = schedule.members;
  for (std::uint32_t piece = 0; piece < n; ++piece) {
    for (std::uint32_t q = 0; q + 1 < n; ++q) {
      schedule.rounds[piece + q].push_back({order[q], order[q + 1], piece * rings + r, false});
    }
  }
}

}  // namespace

bool ring_applies(Kind kind, const GroupShape&) {
  return kind != Kind::all_to_all && kind != Kind::send_recv;
}

Schedule ring_schedule(Kind kind, const GroupShape& shape) {
  const Layout layout = lay_out(shape);
  const std::uint32_t n = layout.size();
  const std::uint32_t rings = n > 0 ? ring_count(layout) : 1;
  Schedule schedule{kind, n, 0, n * rings, {}};
  if (n < 2) return schedule;
  schedule.rounds.resize(kind == Kind::all_reduce || kind == Kind::broadcast ? 2 * n - 2 : n - 1);
  const bool uniform = layout.uniform();
  for (std::uint32_t r = 0; r < rings; ++r) {
    const std::vector<std::uint32_t> order = ring_order(layout, uniform, r);
    if (kind == Kind::broadcast) {
      broadcast_pass(order, r, rings, schedule);
      continue;
    }
    if (kind != Kind::all_gather) pass(order, r, rings, true, 0, schedule);
    if (kind != Kind::reduce_scatter) {
      pass(order, r, rings, false, kind == Kind::all_reduce ? n - 1 : 0, schedule);
    }
  }
  return schedule;
}

std::vector<Edge> ring_traffic(Kind kind, const GroupShape& shape, sim::Bytes bytes) {
  const Layout layout = lay_out(shape);
  const std::uint32_t n = layout.size();
  TrafficSum sum(n);
  if (n < 2) return {};
  const std::uint32_t rings = ring_count(layout);
  const bool uniform = layout.uniform();
  const auto part = [&](std::uint32_t member, std::uint32_t r) {
    return part_of(bytes, n * rings, member * rings + r);
  };
  for (std::uint32_t r = 0; r < rings; ++r) {
    std::vector<std::uint32_t> order = ring_order(layout, uniform, r);
    sim::Bytes share;
    for (std::uint32_t m = 0; m < n; ++m) share += part(m, r);
    for (std::uint32_t q = 0; q < n; ++q) {
      const std::uint32_t from = order[q];
      const std::uint32_t to = order[(q + 1) % n];
      if (kind == Kind::broadcast) {
        if (to != 0) sum.add(from, to, share);
        continue;
      }
      if (kind != Kind::all_gather) sum.add(from, to, share - part(from, r));
      if (kind != Kind::reduce_scatter) sum.add(from, to, share - part(to, r));
    }
  }
  return sum.edges();
}

}  // namespace collectives
