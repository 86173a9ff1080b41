// traffic() against the schedules it summarises, and against textbook volumes.
#include <catch2/catch.hpp>

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "collectives/collective.hpp"
#include "tests/collectives/shapes.hpp"

namespace {

using collectives::GroupShape;
using collectives::Kind;
using sim::Bytes;
using EdgeBytes = std::map<std::pair<std::uint32_t, std::uint32_t>, std::int64_t>;

EdgeBytes sum_of(const collectives::Schedule& schedule, Bytes bytes) {
  EdgeBytes sum;
  for (const auto& round : schedule.rounds) {
    for (const auto& send : round) {
      const auto amount = collectives::chunk_bytes(schedule, bytes, send.chunk).count();
      if (amount > 0) sum[{send.from, send.to}] += amount;
    }
  }
  return sum;
}

EdgeBytes as_map(const std::vector<collectives::Edge>& edges) {
  EdgeBytes sum;
  for (const auto& edge : edges) {
    CHECK(edge.from != edge.to);
    CHECK(edge.bytes.count() > 0);
    CHECK(sum.emplace(std::pair{edge.from, edge.to}, edge.bytes.count()).second);
  }
  return sum;
}

struct Ports {
  std::vector<std::int64_t> out;
  std::vector<std::int64_t> in;
};

// Per vertex: bytes out and in. Vertices beyond the members are switches and not counted.
Ports ports_of(const EdgeBytes& edges, std::size_t members) {
  Ports ports{std::vector<std::int64_t>(members), std::vector<std::int64_t>(members)};
  for (const auto& [edge, amount] : edges) {
    if (edge.first < members) ports.out[edge.first] += amount;
    if (edge.second < members) ports.in[edge.second] += amount;
  }
  return ports;
}

std::int64_t sent_between_domains(const std::vector<collectives::Edge>& edges,
                                  const GroupShape& shape, std::uint32_t member) {
  std::int64_t sum = 0;
  for (const auto& edge : edges) {
    if (edge.from == member && shape.domain[edge.from] != shape.domain[edge.to]) {
      sum += edge.bytes.count();
    }
  }
  return sum;
}

std::vector<collectives::Edge> traffic(std::string_view name, Kind kind, const GroupShape& shape,
                                       std::int64_t bytes) {
  return collectives::find_algorithm(name)->traffic(kind, shape, Bytes{bytes});
}

}  // namespace

TEST_CASE("traffic equals the sum of the schedule, byte for byte") {
  for (const auto& algorithm : collectives::algorithms()) {
    for (const Kind kind : collectives_test::kKinds) {
      for (const auto& shape : collectives_test::all_shapes()) {
        if (!algorithm.applies(kind, shape)) continue;
        INFO(algorithm.name << ' ' << collectives::name(kind) << " of " << shape.size());
        for (const std::int64_t amount : {0LL, 1LL, 13LL, 1000LL, 12345677LL}) {
          const Bytes bytes{amount};
          const auto schedule = algorithm.schedule(kind, shape);
          const EdgeBytes summed = sum_of(schedule, bytes);
          const EdgeBytes stated = as_map(algorithm.traffic(kind, shape, bytes));
          if (schedule.switches == 0) {
            CHECK(stated == summed);
            continue;
          }
          const Ports want = ports_of(summed, shape.size());
          const Ports have = ports_of(stated, shape.size());
          for (std::size_t m = 0; m < shape.size(); ++m) {
            CHECK(have.out[m] == want.out[m]);
            CHECK(std::abs(have.in[m] - want.in[m]) <= 2);  // parts differ by a byte
          }
        }
      }
    }
  }
}

TEST_CASE("textbook volumes in one domain") {
  const std::int64_t n = 8;
  const std::int64_t s = 8 * 1024 * 1024;
  const auto shape = collectives_test::grid(1, 8);
  const auto out_of = [&](std::string_view name, Kind kind) {
    return ports_of(as_map(traffic(name, kind, shape, s)), shape.size()).out[3];
  };
  for (const auto* name : {"ring", "halving_doubling", "hierarchical", "direct"}) {
    CHECK(out_of(name, Kind::all_reduce) == 2 * (n - 1) * s / n);
    CHECK(out_of(name, Kind::all_gather) == (n - 1) * s / n);
    CHECK(out_of(name, Kind::reduce_scatter) == (n - 1) * s / n);
  }
  CHECK(out_of("direct", Kind::all_to_all) == (n - 1) * s / n);
  CHECK(out_of("nvls", Kind::all_reduce) == s + s / n);
  CHECK(out_of("direct", Kind::send_recv) == s);
}

TEST_CASE("every NIC of a domain carries the same share") {
  const std::int64_t s = 1 << 24;
  for (const std::uint32_t domains : {2U, 4U, 8U}) {
    const std::uint32_t p = 4;
    const auto shape = collectives_test::grid(domains, p);
    const std::int64_t n = std::int64_t{domains} * p;
    const auto ring = traffic("ring", Kind::all_reduce, shape, s);
    const auto split = traffic("hierarchical", Kind::all_reduce, shape, s);
    const auto tree = traffic("nvls_tree", Kind::all_reduce, shape, s);
    for (std::uint32_t m = 0; m < n; ++m) {
      CHECK(sent_between_domains(ring, shape, m) == 2 * (n - 1) * (s / n) / p);
      CHECK(sent_between_domains(split, shape, m) == 2 * (domains - 1) * (s / n));
      CHECK(sent_between_domains(tree, shape, m) <= 2 * s / p);
    }
  }
}

TEST_CASE("rings stay on their rails") {
  for (const auto& [domains, p] : {std::pair{2U, 8U}, {3U, 4U}, {5U, 3U}, {4U, 2U}, {7U, 8U}}) {
    const auto shape = collectives_test::grid(domains, p);
    for (const auto& edge : traffic("ring", Kind::all_reduce, shape, 1 << 20)) {
      if (shape.domain[edge.from] == shape.domain[edge.to]) continue;
      CHECK(shape.local[edge.from] == shape.local[edge.to]);
    }
  }
}

TEST_CASE("two domains exchange half of what a ring would through a tree") {
  const std::int64_t s = 1 << 24;
  const auto shape = collectives_test::grid(2, 8);
  CHECK(sent_between_domains(traffic("tree", Kind::all_reduce, shape, s), shape, 5) == s / 8);
  CHECK(sent_between_domains(traffic("ring", Kind::all_reduce, shape, s), shape, 5) ==
        2 * 15 * (s / 16) / 8);
}

TEST_CASE("all-to-all through rails sends the same between domains as the direct one") {
  const std::int64_t s = 32 * 4096;
  const auto shape = collectives_test::grid(4, 8);
  const auto direct = traffic("direct", Kind::all_to_all, shape, s);
  const auto railed = traffic("hierarchical", Kind::all_to_all, shape, s);
  CHECK(railed.size() == 32 * (7 + 3));
  for (std::uint32_t m = 0; m < 32; ++m) {
    CHECK(sent_between_domains(direct, shape, m) == 24 * 4096);
    CHECK(sent_between_domains(railed, shape, m) == 24 * 4096);
  }
}

TEST_CASE("traffic of the largest group is exact and small") {
  const auto shape = collectives_test::grid(2048, 8);
  const std::int64_t terabyte = 1'000'000'000'001;
  const auto edges = traffic("ring", Kind::all_reduce, shape, terabyte);
  CHECK(edges.size() <= 4 * shape.size());
  std::int64_t total = 0;
  for (const auto& edge : edges) total += edge.bytes.count();
  CHECK(total == 2 * (16384 - 1) * terabyte);
}

TEST_CASE("a binomial broadcast crosses between domains once per domain") {
  const auto shape = collectives_test::grid(8, 4);
  std::int64_t crossing = 0;
  const auto edges = traffic("tree", Kind::broadcast, shape, 100);
  CHECK(edges.size() == 31);
  for (const auto& edge : edges) {
    CHECK(edge.bytes == Bytes{100});
    crossing += shape.domain[edge.from] != shape.domain[edge.to] ? 1 : 0;
  }
  CHECK(crossing == 7);
}
