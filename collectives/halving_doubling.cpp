// Recursive halving and doubling (Rabenseifner; Thakur, Rabenseifner and Gropp, IJHPCA 2005) for
// groups of a power of two: log2 n rounds to reduce-scatter, log2 n to all-gather, (n - 1) / n of
// the buffer sent per member in each. The nearest partners exchange the largest parts, so that
// half of all bytes stay between neighbours.
#include <bit>

#include "collectives/algorithms.hpp"
#include "collectives/layout.hpp"

namespace collectives {
namespace {

// Halving: in round t, position x sends its partner x ^ 2^t the parts that agree with the partner
// in the lowest t + 1 bits. Doubling is the same backwards, each sending what it has collected.
void exchange(const Layout& layout, std::uint32_t bit, bool reduce, Schedule& schedule) {
  const std::uint32_t n = layout.size();
  const std::uint32_t step = 2U << bit;
  std::vector<Send>& round = schedule.rounds.emplace_back();
  for (std::uint32_t x = 0; x < n; ++x) {
    const std::uint32_t partner = x ^ (1U << bit);
    for (std::uint32_t part = (reduce ? partner : x) % step; part < n; part += step) {
      round.push_back({layout.member[x], layout.member[partner], layout.member[part], reduce});
    }
  }
}

}  // namespace

bool halving_doubling_applies(Kind kind, const GroupShape& shape) {
  const bool kind_fits =
      kind == Kind::all_reduce || kind == Kind::all_gather || kind == Kind::reduce_scatter;
  return kind_fits && is_power_of_two(shape.size());
}

Schedule halving_doubling_schedule(Kind kind, const GroupShape& shape) {
  const Layout layout = lay_out(shape);
  const std::uint32_t n = layout.size();
  Schedule schedule{kind, n, 0, n, {}};
  const auto bits = static_cast<std::uint32_t>(std::countr_zero(n));
  if (kind != Kind::all_gather) {
    for (std::uint32_t bit = 0; bit < bits; ++bit) exchange(layout, bit, true, schedule);
  }
  if (kind != Kind::reduce_scatter) {
    for (std::uint32_t bit = bits; bit-- > 0;) exchange(layout, bit, false, schedule);
  }
  return schedule;
}

std::vector<Edge> halving_doubling_traffic(Kind kind, const GroupShape& shape, sim::Bytes bytes) {
  const Layout layout = lay_out(shape);
  const std::uint32_t n = layout.size();
  TrafficSum sum(n);
  // held[v]: bytes of the parts equal to v in the lowest bits, from the finest level up.
  std::vector<sim::Bytes> held(n);
  for (std::uint32_t x = 0; x < n; ++x) held[x] = part_of(bytes, n, layout.member[x]);
  for (auto bit = static_cast<std::uint32_t>(std::countr_zero(n)); bit-- > 0;) {
    const std::uint32_t mask = (2U << bit) - 1;
    for (std::uint32_t x = 0; x < n; ++x) {
      const std::uint32_t partner = x ^ (1U << bit);
      const std::uint32_t from = layout.member[x];
      const std::uint32_t to = layout.member[partner];
      if (kind != Kind::all_gather) sum.add(from, to, held[partner & mask]);
      if (kind != Kind::reduce_scatter) sum.add(from, to, held[x & mask]);
    }
    for (std::uint32_t v = 0; v < (1U << bit); ++v) held[v] += held[v + (1U << bit)];
  }
  return sum.edges();
}

}  // namespace collectives
