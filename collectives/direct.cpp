// Direct exchange: every pair of members on its own, as grouped sends and receives do it. One
// round for all_gather and reduce_scatter, two for all_reduce (also what NCCL's many rings over a
// full mesh add up to), n - 1 pairwise rounds for all_to_all.
#include "collectives/algorithms.hpp"
#include "collectives/layout.hpp"

namespace collectives {
namespace {

void all_pairs(std::uint32_t n, bool reduce, std::vector<Send>& round) {
  for (std::uint32_t from = 0; from < n; ++from) {
    for (std::uint32_t to = 0; to < n; ++to) {
      if (from != to) round.push_back({from, to, reduce ? to : from, reduce});
    }
  }
}

std::uint32_t senders(std::uint32_t n) { return n < 2 ? 0 : n == 2 ? 1 : n; }

}  // namespace

bool direct_applies(Kind kind, const GroupShape&) { return kind != Kind::broadcast; }

Schedule direct_schedule(Kind kind, const GroupShape& shape) {
  const auto n = static_cast<std::uint32_t>(shape.size());
  Schedule schedule{kind, n, 0, kind == Kind::all_to_all ? n * n : n, {}};
  if (n < 2) return schedule;
  if (kind == Kind::send_recv) {
    schedule.rounds.resize(1);
    for (std::uint32_t i = 0; i < senders(n); ++i) {
      schedule.rounds[0].push_back({i, (i + 1) % n, i, false});
    }
    return schedule;
  }
  if (kind == Kind::all_to_all) {
    schedule.rounds.resize(n - 1);
    for (std::uint32_t shift = 1; shift < n; ++shift) {
      for (std::uint32_t from = 0; from < n; ++from) {
        const std::uint32_t to = (from + shift) % n;
        schedule.rounds[shift - 1].push_back({from, to, from * n + to, false});
      }
    }
    return schedule;
  }
  if (kind != Kind::all_gather) all_pairs(n, true, schedule.rounds.emplace_back());
  if (kind != Kind::reduce_scatter) all_pairs(n, false, schedule.rounds.emplace_back());
  return schedule;
}

std::vector<Edge> direct_traffic(Kind kind, const GroupShape& shape, sim::Bytes bytes) {
  const auto n = static_cast<std::uint32_t>(shape.size());
  std::vector<Edge> edges;
  if (n < 2 || bytes.count() == 0) return edges;
  if (kind == Kind::send_recv) {
    for (std::uint32_t i = 0; i < senders(n); ++i) edges.push_back({i, (i + 1) % n, bytes});
    return edges;
  }
  edges.reserve(std::size_t{n} * (n - 1));
  for (std::uint32_t from = 0; from < n; ++from) {
    for (std::uint32_t to = 0; to < n; ++to) {
      if (from == to) continue;
      const bool sends_to_part = kind != Kind::all_gather;
      const bool sends_own_part = kind == Kind::all_gather || kind == Kind::all_reduce;
      sim::Bytes amount;
      if (sends_to_part) amount += part_of(bytes, n, to);
      if (sends_own_part) amount += part_of(bytes, n, from);
      if (amount.count() > 0) edges.push_back({from, to, amount});
    }
  }
  return edges;
}

}  // namespace collectives
