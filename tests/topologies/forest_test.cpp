#include "topologies/forest.hpp"

#include <catch2/catch.hpp>

using namespace topologies;

namespace {

VertexId v(std::size_t index) { return VertexId{index}; }
sim::LinkId l(std::size_t index) { return sim::LinkId{index}; }

std::vector<std::uint32_t> route(const Forest& forest, std::size_t from, std::size_t to) {
  std::vector<sim::LinkId> links;
  if (!forest.append_route(v(from), v(to), links)) return {99};
  std::vector<std::uint32_t> ids;
  for (const sim::LinkId link : links) ids.push_back(link.value());
  return ids;
}

// 0 over 1 and 2, 1 over 3 and 4, 2 over 5; 6 over 7.
Forest two_trees() {
  Forest forest;
  forest.attach(v(1), v(0), l(0));
  forest.attach(v(2), v(0), l(2));
  forest.attach(v(3), v(1), l(4));
  forest.attach(v(4), v(1), l(6));
  forest.attach(v(5), v(2), l(8));
  forest.attach(v(7), v(6), l(10));
  return forest;
}

}  // namespace

TEST_CASE("Routes climb to the common ancestor and descend on the reverse links") {
  const Forest forest = two_trees();
  using Ids = std::vector<std::uint32_t>;
  CHECK(route(forest, 3, 4) == Ids{4, 7});
  CHECK(route(forest, 3, 5) == Ids{4, 0, 3, 9});
  CHECK(route(forest, 5, 0) == Ids{8, 2});
  CHECK(route(forest, 0, 5) == Ids{3, 9});
  CHECK(route(forest, 2, 2).empty());
}

TEST_CASE("Between trees there is no route, and nothing is appended") {
  const Forest forest = two_trees();
  std::vector<sim::LinkId> links{l(42)};
  CHECK_FALSE(forest.append_route(v(3), v(7), links));
  CHECK_FALSE(forest.append_route(v(0), v(1000), links));
  CHECK(links.size() == 1);
}

TEST_CASE("Parents and depth limit") {
  Forest forest = two_trees();
  CHECK(forest.parent(v(5)) == v(2));
  CHECK_FALSE(forest.parent(v(0)).valid());
  CHECK(forest.up(v(5)) == l(8));
  for (std::size_t i = 0; i < 4; ++i)
    forest.attach(v(10 + i), v(i == 0 ? 5 : 9 + i), l(20 + 2 * i));
  CHECK_THROWS_AS(
      [&] {
        for (std::size_t i = 4; i < 10; ++i) forest.attach(v(10 + i), v(9 + i), l(20 + 2 * i));
      }(),
      sim::ContractViolation);
}
