#include "topologies/layout.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "specs.hpp"

using namespace topologies;
using namespace topologies::testing;

TEST_CASE("Names are unique") {
  for (const ClusterSpec& spec : small_specs()) {
    const sim::Machine machine = build_machine(spec);
    const Layout& layout = layout_of(machine);
    std::set<std::string> names;
    for (std::size_t i = 0; i < layout.vertices.size(); ++i) {
      const std::string name = vertex_name(layout, VertexId{i});
      INFO(spec.name << ": " << name);
      REQUIRE(names.insert(name).second);
    }
  }
}

TEST_CASE("Links are found by name, with stars for any text") {
  const sim::Machine machine = build_machine(h100(64, FabricShape::fat_tree, 2));
  const std::vector<sim::LinkId> one = find_links(machine, "node3/nic5->leaf1");
  REQUIRE(one.size() == 1);
  CHECK(link_name(machine, one[0]) == "node3/nic5->leaf1");
  CHECK(find_links(machine, "node3/nic*->leaf*").size() == 8);
  CHECK(find_links(machine, "leaf*->spine0").size() == 4);
  CHECK(find_links(machine, "*").size() == machine.links.size());
  CHECK(find_links(machine, "").empty());
  CHECK(find_links(machine, "leaf").empty());
  CHECK(find_links(machine, "*nic1->leaf0*").size() == 2);
}

TEST_CASE("A machine of another maker has no layout") {
  CHECK_THROWS_AS(layout_of(sim::Machine{}), sim::ContractViolation);
}
