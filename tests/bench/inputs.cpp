#include "inputs.hpp"

#include <algorithm>
#include <array>
#include <numeric>

namespace sim::bench {

TaskGraph compute_grid(std::size_t ranks, std::size_t tasks) {
  TaskGraph graph;
  std::uint64_t seed = 1;
  for (std::size_t i = 0; i < tasks; ++i) {
    std::array<TaskId, 2> predecessors;
    std::size_t count = 0;
    if (i >= ranks) {
      const std::size_t row = i - i % ranks - ranks;
      predecessors = {TaskId{i - ranks}, TaskId{row + (i + 1) % ranks}};
      count = 2;
    }
    graph.add_compute(RankId{i % ranks}, Time::ps(static_cast<std::int64_t>(mix(seed) % 1'000'000)),
                      std::span{predecessors}.first(count), {});
  }
  return graph;
}

TaskGraph ring_all_reduce(std::size_t n, Starts starts) {
  TaskGraph graph;
  std::vector<TrafficId> hop;
  for (std::size_t i = 0; i < n; ++i) {
    const LinkUse use{LinkId{i}, 1.0};
    hop.push_back(graph.add_traffic({&use, 1}));
  }
  std::uint64_t seed = 1;
  const Bytes part{64'000'000 / static_cast<std::int64_t>(n)};
  for (std::size_t round = 0; round < 2 * (n - 1); ++round) {
    for (std::size_t i = 0; i < n; ++i) {
      std::array<TaskId, 2> predecessors;
      if (round > 0)
        predecessors = {TaskId{(round - 1) * n + i}, TaskId{(round - 1) * n + (i + n - 1) % n}};
      const auto jitter = static_cast<std::int64_t>(mix(seed) % 200'000);
      const Time latency = Time::us(5) + Time::ps(starts == Starts::jittered ? jitter : 0);
      graph.add_transfer({{}, hop[i], part, latency, {}, 0.0},
                         std::span{predecessors}.first(round > 0 ? 2 : 0), {});
    }
  }
  return graph;
}

IdVector<LinkId, Link> ring_links(std::size_t n) {
  return IdVector<LinkId, Link>(n, Link{Bandwidth::gb_per_s(12.5), Time::zero()});
}

LeafSpine leaf_spine(std::size_t flows) {
  constexpr std::size_t kHosts = 32;    // a leaf
  constexpr std::size_t kUplinks = 16;  // a leaf: 2:1
  const std::size_t leaves = (flows + kHosts - 1) / kHosts;
  LeafSpine fabric;
  const std::size_t up = 2 * flows;  // host out, host in, leaf up, leaf down
  const std::size_t down = up + leaves * kUplinks;
  for (std::size_t l = 0; l < down + leaves * kUplinks; ++l)
    fabric.links.push_back(Link{Bandwidth::gb_per_s(12.5), Time::zero()});
  std::vector<std::size_t> target(flows);
  std::iota(target.begin(), target.end(), 0U);
  std::uint64_t seed = 3;
  for (std::size_t i = flows; i > 1; --i) std::swap(target[i - 1], target[mix(seed) % i]);
  for (std::size_t from = 0; from < flows; ++from) {
    const std::size_t to = target[from];
    const std::size_t spine = mix(seed) % kUplinks;
    std::vector<LinkUse> uses{{LinkId{from}}, {LinkId{flows + to}}};
    if (from / kHosts != to / kHosts) {
      uses.push_back({LinkId{up + from / kHosts * kUplinks + spine}});
      uses.push_back({LinkId{down + to / kHosts * kUplinks + spine}});
    }
    fabric.routes.push_back(uses);
  }
  for (const std::vector<LinkUse>& route : fabric.routes) fabric.classes.push_back({route, 0.0});
  return fabric;
}

namespace {

class ClusterBuilder {
 public:
  explicit ClusterBuilder(std::uint32_t ranks) : ranks_(ranks) {
    for (std::uint32_t r = 0; r < ranks; ++r) graph_.colours.push_back(r / 8 % kStages);
  }

  ClusterGraph build() {
    for (std::uint32_t rank = 0; rank < ranks_; ++rank) add_rank(rank);
    return std::move(graph_);
  }

 private:
  static constexpr std::uint32_t kStages = 16;

  void add_rank(std::uint32_t rank) {
    const std::uint32_t node = rank / 8;
    for (std::uint32_t peer = node * 8; peer < rank; ++peer) join(rank, peer, 1, 1);
    const std::uint32_t next_stage = rank / 8 % kStages + 1 < kStages ? rank + 8 : ranks_;
    if (next_stage < ranks_) join(rank, next_stage, 2, 3);
    for (std::uint32_t step = 1; step < ranks_ / (8 * kStages); step *= 2)  // of the dp group
      join(rank, (rank + step * 8 * kStages) % ranks_, 4 + step, 5'000 + step);
    for (std::uint64_t kind = 0; kind < 2; ++kind) {  // NIC and NVLink port: a link of its own
      const std::uint32_t link = new_link(10 + kind);
      for (std::uint64_t use = 0; use < 7; ++use) join(rank, link, 20 + use, 40 + use);
    }
    if (rank % 2 == 0) last_uplink_ = new_link(12);
    for (std::uint64_t use = 0; use < 4; ++use) join(rank, last_uplink_, 30 + use, 50 + use);
  }

  std::uint32_t new_link(std::uint64_t colour) {
    graph_.colours.push_back(1'000 + colour);
    return static_cast<std::uint32_t>(graph_.colours.size() - 1);
  }

  void join(std::uint32_t a, std::uint32_t b, std::uint64_t ab, std::uint64_t ba) {
    graph_.edges.push_back({a, b, ab, ba});
  }

  std::uint32_t ranks_;
  std::uint32_t last_uplink_ = 0;
  ClusterGraph graph_;
};

}  // namespace

ClusterGraph cluster_graph(std::uint32_t ranks) { return ClusterBuilder(ranks).build(); }

}  // namespace sim::bench
