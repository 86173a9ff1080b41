#include "sim/refine.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <numeric>

#include "random.hpp"

using sim::is_equitable;
using sim::LabelledEdge;
using sim::Partition;
using sim::refine;

namespace {

using Edges = std::vector<LabelledEdge>;
using Colours = std::vector<std::uint64_t>;

// The definition: recolour by (own colour, multiset of (label, colour) seen) until it is stable.
std::vector<std::uint32_t> refine_naively(const Colours& colours, const Edges& edges) {
  using Sight = std::pair<std::uint64_t, std::uint32_t>;
  std::vector<std::uint32_t> current(colours.size(), 0);
  std::size_t classes = 0;
  const auto renumber = [&](const auto& keys) {
    std::map<typename std::decay_t<decltype(keys)>::value_type, std::uint32_t> number;
    for (std::size_t v = 0; v < keys.size(); ++v)
      current[v] =
          number.try_emplace(keys[v], static_cast<std::uint32_t>(number.size())).first->second;
    return number.size();
  };
  for (std::size_t found = renumber(colours); found != classes;) {
    classes = found;
    std::vector<std::pair<std::uint32_t, std::vector<Sight>>> seen(colours.size());
    for (std::size_t v = 0; v < colours.size(); ++v) seen[v].first = current[v];
    for (const LabelledEdge& edge : edges) {
      seen[edge.a].second.emplace_back(edge.label_ab, current[edge.b]);
      seen[edge.b].second.emplace_back(edge.label_ba, current[edge.a]);
    }
    for (auto& [own, sights] : seen) std::sort(sights.begin(), sights.end());
    found = renumber(seen);
  }
  return current;
}

Partition checked(const Colours& colours, const Edges& edges) {
  const Partition partition = refine(colours, edges);
  REQUIRE(is_equitable(partition, colours, edges));
  REQUIRE(partition.class_of == refine_naively(colours, edges));
  return partition;
}

Edges ring(std::uint32_t size) {
  Edges edges;
  for (std::uint32_t i = 0; i < size; ++i) edges.push_back({i, (i + 1) % size, 1, 2});
  return edges;
}

Edges torus(std::uint32_t width, std::uint32_t height) {
  Edges edges;
  for (std::uint32_t y = 0; y < height; ++y) {
    for (std::uint32_t x = 0; x < width; ++x) {
      edges.push_back({y * width + x, y * width + (x + 1) % width, 1, 1});
      edges.push_back({y * width + x, (y + 1) % height * width + x, 1, 1});
    }
  }
  return edges;
}

}  // namespace

TEST_CASE("a ring and a torus are one class") {
  CHECK(checked(Colours(12, 0), ring(12)).class_size == std::vector<std::uint32_t>{12});
  CHECK(checked(Colours(35, 0), torus(7, 5)).class_size == std::vector<std::uint32_t>{35});
}

TEST_CASE("a tree has one class a level") {
  Edges edges;
  for (std::uint32_t child = 1; child < 31; ++child)
    edges.push_back({(child - 1) / 2, child, 0, 0});
  CHECK(checked(Colours(31, 0), edges).class_size == std::vector<std::uint32_t>{1, 2, 4, 8, 16});
}

TEST_CASE("a path folds at its middle") {
  Edges edges;
  for (std::uint32_t i = 0; i + 1 < 101; ++i) edges.push_back({i, i + 1, 0, 0});
  CHECK(checked(Colours(101, 0), edges).class_size.size() == 51);
}

TEST_CASE("one slow rank splits a directed ring by distance, a clique in two") {
  Colours one_slow(8, 0);
  one_slow[3] = 1;
  CHECK(checked(one_slow, ring(8)).class_size.size() == 8);
  Edges clique;
  for (std::uint32_t a = 0; a < 8; ++a)
    for (std::uint32_t b = a + 1; b < 8; ++b) clique.push_back({a, b, 0, 0});
  const Partition partition = checked(one_slow, clique);
  CHECK(partition.class_size == std::vector<std::uint32_t>{7, 1});
  CHECK(partition.representative == std::vector<std::uint32_t>{0, 3});
}

TEST_CASE("replicas of a pipeline fold to its stages, but for the replica with a slow rank") {
  const std::uint32_t stages = 4;
  const std::uint32_t replicas = 6;
  Edges edges;  // vertex = replica * stages + stage
  for (std::uint32_t r = 0; r < replicas; ++r)
    for (std::uint32_t s = 0; s + 1 < stages; ++s)
      edges.push_back({r * stages + s, r * stages + s + 1, 10, 11});
  for (std::uint32_t s = 0; s < stages; ++s)
    for (std::uint32_t a = 0; a < replicas; ++a)
      for (std::uint32_t b = a + 1; b < replicas; ++b)
        edges.push_back({a * stages + s, b * stages + s, 20, 20});
  CHECK(checked(Colours(24, 0), edges).class_size == std::vector<std::uint32_t>{6, 6, 6, 6});
  Colours one_slow(24, 0);
  one_slow[2 * stages + 1] = 1;
  const Partition partition = checked(one_slow, edges);
  CHECK(partition.class_size == std::vector<std::uint32_t>{5, 5, 5, 5, 1, 1, 1, 1});
}

TEST_CASE("labels, directions, self-loops and parallel edges count") {
  CHECK(checked(Colours(2, 0), {{0, 1, 5, 5}}).class_size.size() == 1);
  CHECK(checked(Colours(2, 0), {{0, 1, 5, 6}}).class_size.size() == 2);
  CHECK(checked(Colours(4, 0), {{0, 1, 5, 5}, {2, 3, 6, 6}}).class_size.size() == 2);
  CHECK(checked(Colours(2, 0), {{0, 0, 1, 1}}).class_size.size() == 2);
  CHECK(checked(Colours(4, 0), {{0, 1, 1, 1}, {0, 1, 1, 1}, {2, 3, 1, 1}}).class_size.size() == 2);
}

TEST_CASE("no vertices and no edges are fine") {
  CHECK(checked({}, {}).class_of.empty());
  CHECK(checked({9, 4, 9}, {}).class_of == std::vector<std::uint32_t>{0, 1, 0});
}

TEST_CASE("refinement agrees with the definition on random graphs") {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    sim::test::Random random(seed);
    const std::size_t size = random.between(1, 40);
    Colours colours(size);
    for (auto& colour : colours) colour = random.below(random.one_in(2) ? 1 : 3);
    Edges edges;
    for (std::size_t e = random.below(2 * size); e > 0; --e)
      edges.push_back({static_cast<std::uint32_t>(random.below(size)),
                       static_cast<std::uint32_t>(random.below(size)), random.below(2),
                       random.below(2)});
    checked(colours, edges);
  }
}

// Covers of a random graph: many equal parts, whose classes are those of the part.
TEST_CASE("disjoint copies of a graph fold onto one") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    sim::test::Random random(seed);
    const auto size = static_cast<std::uint32_t>(random.between(3, 20));
    Edges edges;
    for (std::uint32_t e = 0; e < 2 * size; ++e)
      edges.push_back({static_cast<std::uint32_t>(random.below(size)),
                       static_cast<std::uint32_t>(random.below(size)), random.below(3), 0});
    const std::size_t classes = checked(Colours(size, 0), edges).class_size.size();
    Edges copies;
    for (std::uint32_t copy = 0; copy < 5; ++copy)
      for (const LabelledEdge& edge : edges)
        copies.push_back(
            {edge.a + copy * size, edge.b + copy * size, edge.label_ab, edge.label_ba});
    CHECK(checked(Colours(5 * size, 0), copies).class_size.size() == classes);
  }
}

TEST_CASE("the certificate refuses partitions that are not equitable or not well formed") {
  const Edges edges{{0, 1, 0, 0}, {1, 2, 0, 0}};  // a path: its middle differs
  const Colours colours(3, 0);
  CHECK(is_equitable({{0, 1, 0}, {0, 1}, {2, 1}}, colours, edges));
  CHECK(is_equitable({{0, 1, 2}, {0, 1, 2}, {1, 1, 1}}, colours, edges));
  CHECK_FALSE(is_equitable({{0, 0, 0}, {0}, {3}}, colours, edges));
  CHECK_FALSE(is_equitable({{0, 0, 1}, {0, 2}, {2, 1}}, colours, edges));
  CHECK_FALSE(is_equitable({{0, 1, 0}, {0, 1}, {1, 2}}, colours, edges));  // wrong sizes
  CHECK_FALSE(is_equitable({{0, 1, 0}, {2, 1}, {2, 1}}, colours, edges));  // wrong smallest
  CHECK_FALSE(is_equitable({{1, 0, 1}, {1, 0}, {1, 2}}, colours, edges));  // wrong order
  CHECK_FALSE(is_equitable({{0, 1}, {0, 1}, {1, 1}}, colours, edges));     // a vertex missing
  CHECK_FALSE(is_equitable({{0, 1, 0}, {0, 1}, {2, 1}}, Colours{0, 0, 1}, edges));  // colours mix
}
