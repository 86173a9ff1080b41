#include "topologies/registry.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "specs.hpp"

using namespace topologies;

TEST_CASE("Every family has its own name, a summary and an enumerator that finds it") {
  std::set<std::string_view> names;
  for (const IntraFamily& family : intra_families()) {
    CHECK(names.insert(family.name).second);
    CHECK(family.summary.size() > 10);
    CHECK(&family_of(family.type) == &family);
  }
  for (const FabricFamily& family : fabric_families()) {
    CHECK(names.insert(family.name).second);
    CHECK(family.summary.size() > 10);
    CHECK(&family_of(family.shape) == &family);
  }
}

TEST_CASE("Every fabric joins servers of every kind") {
  for (const FabricFamily& fabric : fabric_families()) {
    if (fabric.shape == FabricShape::torus) continue;  // joins devices, not servers
    for (const IntraFamily& intra : intra_families()) {
      ClusterSpec spec = testing::h100(48, fabric.shape, 2);
      spec.intra = intra.type;
      INFO(fabric.name << " of " << intra.name);
      REQUIRE(problems(spec).empty());
      const sim::Machine machine = build_machine(spec);
      CHECK_FALSE(testing::route(machine, 0, 47).empty());
      CHECK_FALSE(testing::route(machine, 0, 7).empty());
    }
  }
}
