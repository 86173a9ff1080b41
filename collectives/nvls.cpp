// NVLS: the NVLink switch adds and multicasts (NVIDIA Hopper tuning guide; NVIDIA/nccl
// src/transport/nvls.cc). A member reads its part of the sum, which the switch gathers from all
// members, and writes it back once, which the switch delivers to all: (1 + 1/n) S in each direction
// of its port instead of the 2 (n - 1) / n S of a ring, in four steps whatever n is.
//
// NVLSTree: the same inside every domain, and between domains a double binary tree per local
// index, over its 1/p of the buffer.
#include <algorithm>

#include "collectives/algorithms.hpp"
#include "collectives/binary_tree.hpp"
#include "collectives/layout.hpp"

namespace collectives {
namespace {

// Pieces of the buffer in flight behind each other, since reading, adding and writing back overlap.
// Three passes wait for the first piece: with sixteen they add at most 3/16 of a pass.
constexpr std::uint32_t kSlices = 16;

// The same rounds for each slice, one round behind the slice before.
Schedule sliced(const Schedule& whole) {
  Schedule out{whole.kind, whole.members, whole.switches, whole.chunks * kSlices, {}};
  out.rounds.resize(whole.rounds.size() + kSlices - 1);
  for (std::size_t round = 0; round < whole.rounds.size(); ++round) {
    for (std::uint32_t slice = 0; slice < kSlices; ++slice) {
      std::vector<Send>& sends = out.rounds[round + slice];
      for (Send send : whole.rounds[round]) {
        send.chunk += slice * whole.chunks;
        sends.push_back(send);
      }
    }
  }
  return out;
}

// The switch of a domain is vertex n + domain. Part j belongs to the j-th member of each domain.
struct Parts {
  std::uint32_t per_part = 1;  // chunks: part j is chunks [j * per_part, (j + 1) * per_part)
};

enum class SwitchPass { reduce_in, hand_out, write_back, multicast };

void switch_pass(const Layout& layout, Parts parts, SwitchPass pass, Schedule& schedule) {
  const std::uint32_t p = layout.count(0);
  const bool all = pass == SwitchPass::reduce_in || pass == SwitchPass::multicast;
  const bool to_switch = pass == SwitchPass::reduce_in || pass == SwitchPass::write_back;
  std::vector<Send>& round = schedule.rounds.emplace_back();
  for (std::uint32_t d = 0; d < layout.domains(); ++d) {
    const std::uint32_t hub = layout.size() + d;
    for (std::uint32_t j = 0; j < p; ++j) {
      const std::uint32_t first = all ? 0 : j * parts.per_part;
      const std::uint32_t count = (all ? p : 1) * parts.per_part;
      for (std::uint32_t chunk = first; chunk < first + count; ++chunk) {
        const std::uint32_t member = layout.at(d, j);
        round.push_back({to_switch ? member : hub, to_switch ? hub : member, chunk,
                         pass == SwitchPass::reduce_in});
      }
    }
  }
}

// One pass of both trees between domains, up (adding) or down, for all local indices at once.
void tree_pass(const Layout& layout, bool up, Schedule& schedule) {
  const std::size_t first = schedule.rounds.size();
  for (std::uint32_t tree = 0; tree < 2; ++tree) {
    const std::vector<std::uint32_t> parents = double_tree_parents(layout.domains(), tree);
    std::vector<std::uint32_t> height(parents.size());
    std::vector<std::uint32_t> depth(parents.size());
    for (std::uint32_t v = 0; v < parents.size(); ++v) {
      for (std::uint32_t at = v; at != kRoot; at = parents[at], ++depth[v]) {
        height[at] = std::max(height[at], depth[v]);
      }
    }
    for (std::uint32_t v = 0; v < parents.size(); ++v) {
      if (parents[v] == kRoot) continue;
      const std::size_t round = first + (up ? height[v] : depth[v] - 2);
      if (schedule.rounds.size() <= round) schedule.rounds.resize(round + 1);
      for (std::uint32_t j = 0; j < layout.count(0); ++j) {
        const std::uint32_t child = layout.at(v, j);
        const std::uint32_t parent = layout.at(parents[v], j);
        schedule.rounds[round].push_back(
            {up ? child : parent, up ? parent : child, 2 * j + tree, up});
      }
    }
  }
}

// What crosses the switch, as edges to the next member of the domain: each port carries in both
// directions the whole buffer once and one part once.
void add_switch_traffic(const Layout& layout, sim::Bytes bytes, Parts parts, TrafficSum& sum) {
  const std::uint32_t p = layout.count(0);
  for (std::uint32_t d = 0; d < layout.domains(); ++d) {
    for (std::uint32_t j = 0; j < p; ++j) {
      const sim::Bytes part =
          parts_of(bytes, p * parts.per_part, j * parts.per_part, parts.per_part);
      sum.add(layout.at(d, j), layout.at(d, j + 1), bytes + part);
    }
  }
}

}  // namespace

bool nvls_applies(Kind kind, const GroupShape& shape) {
  return kind == Kind::all_reduce && shape.size() > 0 &&
         std::all_of(shape.domain.begin(), shape.domain.end(),
                     [&](std::uint32_t d) { return d == shape.domain.front(); });
}

Schedule nvls_schedule(Kind kind, const GroupShape& shape) {
  const Layout layout = lay_out(shape);
  const std::uint32_t n = layout.size();
  Schedule schedule{kind, n, 1, n, {}};
  if (n < 2) return schedule;
  for (const SwitchPass pass : {SwitchPass::reduce_in, SwitchPass::hand_out, SwitchPass::write_back,
                                SwitchPass::multicast}) {
    switch_pass(layout, {1}, pass, schedule);
  }
  return sliced(schedule);
}

std::vector<Edge> nvls_traffic(Kind, const GroupShape& shape, sim::Bytes bytes) {
  const Layout layout = lay_out(shape);
  if (layout.size() < 2) return {};
  TrafficSum sum(layout.size());
  add_switch_traffic(layout, bytes, {1}, sum);
  return sum.edges();
}

bool nvls_tree_applies(Kind kind, const GroupShape& shape) {
  if (kind != Kind::all_reduce || shape.size() == 0) return false;
  const Layout layout = lay_out(shape);
  return layout.uniform() && layout.domains() > 1 && layout.count(0) > 1;
}

Schedule nvls_tree_schedule(Kind kind, const GroupShape& shape) {
  const Layout layout = lay_out(shape);
  const std::uint32_t p = layout.count(0);
  Schedule schedule{kind, layout.size(), layout.domains(), 2 * p, {}};
  switch_pass(layout, {2}, SwitchPass::reduce_in, schedule);
  switch_pass(layout, {2}, SwitchPass::hand_out, schedule);
  tree_pass(layout, true, schedule);
  tree_pass(layout, false, schedule);
  switch_pass(layout, {2}, SwitchPass::write_back, schedule);
  switch_pass(layout, {2}, SwitchPass::multicast, schedule);
  return sliced(schedule);
}

std::vector<Edge> nvls_tree_traffic(Kind, const GroupShape& shape, sim::Bytes bytes) {
  const Layout layout = lay_out(shape);
  const std::uint32_t p = layout.count(0);
  TrafficSum sum(layout.size());
  add_switch_traffic(layout, bytes, {2}, sum);
  for (std::uint32_t tree = 0; tree < 2; ++tree) {
    const std::vector<std::uint32_t> parents = double_tree_parents(layout.domains(), tree);
    for (std::uint32_t d = 0; d < layout.domains(); ++d) {
      if (parents[d] == kRoot) continue;
      for (std::uint32_t j = 0; j < p; ++j) {
        const sim::Bytes share = part_of(bytes, 2 * p, 2 * j + tree);
        sum.add(layout.at(d, j), layout.at(parents[d], j), share);
        sum.add(layout.at(parents[d], j), layout.at(d, j), share);
      }
    }
  }
  return sum.edges();
}

}  // namespace collectives
