// Laws that every machine obeys, whatever it is built of.
#include <catch2/catch.hpp>
#include <set>

#include "specs.hpp"
#include "topologies/analysis.hpp"

using namespace topologies;
using namespace topologies::testing;

namespace {

void check_route(const sim::Machine& machine, std::int64_t from, std::int64_t to) {
  const Layout& layout = layout_of(machine);
  const std::vector<sim::LinkId> links = route(machine, from, to);
  VertexId at = vertex_of(device(from));
  std::set<VertexId> visited{at};
  for (const sim::LinkId link : links) {
    REQUIRE(layout.ends[link].from == at);
    at = layout.ends[link].to;
    REQUIRE(visited.insert(at).second);
    REQUIRE(machine.links[link].capacity.bytes_per_second() > 0.0);
  }
  REQUIRE(at == vertex_of(device(to)));
}

}  // namespace

TEST_CASE("Every route is contiguous, without loops, and no shorter than the shortest") {
  for (const ClusterSpec& spec : small_specs()) {
    const sim::Machine machine = build_machine(spec);
    INFO(spec.name << " of " << spec.gpus);
    for (std::int64_t from = 0; from < spec.gpus; ++from) {
      const std::vector<std::uint32_t> fewest = fewest_hops(machine, device(from));
      for (std::int64_t to = 0; to < spec.gpus; ++to) {
        check_route(machine, from, to);
        REQUIRE(route(machine, from, to).size() >= fewest[static_cast<std::size_t>(to)]);
      }
    }
  }
}

TEST_CASE("Routes are shortest paths where no better link is preferred to fewer hops") {
  for (const ClusterSpec& spec :
       {h100(64, FabricShape::fat_tree, 2), h100(32, FabricShape::single_switch, 2), dgx1(8),
        mi300x(8), polaris(4), pcie_box(8), tpu({4, 4, 4}), tpu({3, 5}), tpu({2, 1, 6})}) {
    const sim::Machine machine = build_machine(spec);
    INFO(spec.name << " of " << spec.gpus);
    for (std::int64_t from = 0; from < spec.gpus; ++from) {
      const std::vector<std::uint32_t> fewest = fewest_hops(machine, device(from));
      for (std::int64_t to = 0; to < spec.gpus; ++to) {
        REQUIRE(route(machine, from, to).size() == fewest[static_cast<std::size_t>(to)]);
      }
    }
  }
}

TEST_CASE("Links come in pairs of opposite ends and equal capacity") {
  for (const ClusterSpec& spec : small_specs()) {
    const sim::Machine machine = build_machine(spec);
    const Layout& layout = layout_of(machine);
    REQUIRE(machine.links.size() % 2 == 0);
    REQUIRE(layout.ends.size() == machine.links.size());
    for (std::size_t i = 0; i < machine.links.size(); ++i) {
      const sim::LinkId link{i}, back = reverse(link);
      REQUIRE(layout.ends[link].from == layout.ends[back].to);
      REQUIRE(layout.ends[link].to == layout.ends[back].from);
      REQUIRE(machine.links[link].capacity == machine.links[back].capacity);
    }
  }
}

TEST_CASE("Bandwidth and latency are the same both ways") {
  for (const ClusterSpec& spec : small_specs()) {
    const sim::Machine machine = build_machine(spec);
    INFO(spec.name << " of " << spec.gpus);
    for (std::int64_t to = 1; to < spec.gpus; ++to) {
      const Path there = path_between(machine, device(0), device(to));
      const Path back = path_between(machine, device(to), device(0));
      REQUIRE(there.bandwidth == back.bandwidth);
      REQUIRE(there.hops.size() == back.hops.size());
      REQUIRE(there.latency == back.latency);
    }
  }
}

TEST_CASE("Devices know their server, place and domain") {
  const sim::Machine machine = build_machine(nvl72(144));
  const sim::Device& d = machine.devices[device(77)];
  CHECK(d.node == 19);
  CHECK(d.local_rank == 1);
  CHECK(d.nvlink_domain == 1);
  CHECK(machine.devices[device(71)].nvlink_domain == 0);
  CHECK(machine.devices.size() == 144);
  CHECK(machine.link_names.empty());
}

TEST_CASE("The same spec gives the same machine") {
  for (const ClusterSpec& spec : small_specs()) {
    const sim::Machine a = build_machine(spec), b = build_machine(spec);
    REQUIRE(a.links.size() == b.links.size());
    for (std::size_t i = 0; i < a.links.size(); ++i) {
      REQUIRE(a.links[sim::LinkId{i}].capacity == b.links[sim::LinkId{i}].capacity);
      REQUIRE(link_name(a, sim::LinkId{i}) == link_name(b, sim::LinkId{i}));
    }
    REQUIRE(route(a, 0, spec.gpus - 1) == route(b, 0, spec.gpus - 1));
  }
}

TEST_CASE("A route replaces what its buffer held") {
  const sim::Machine machine = build_machine(h100(16, FabricShape::fat_tree, 2));
  std::vector<sim::LinkId> links(5, sim::LinkId{1});
  machine.route(device(0), device(1), links);
  CHECK(links.size() == 2);
  machine.route(device(3), device(3), links);
  CHECK(links.empty());
}

TEST_CASE("Host routes go up a device's own PCIe links and down again") {
  const sim::Machine machine = build_machine(h100(16, FabricShape::fat_tree, 2));
  const Path path = path_to_host(machine, device(13));
  REQUIRE(path.hops.size() == 2);
  CHECK(path.hops[0].from == "gpu13");
  CHECK(path.hops[1].from == "node1/pcie2");
  CHECK(path.hops[1].to == "node1/cpu1");
  CHECK(gb_per_s(path.bandwidth) == Approx(51));
  std::vector<sim::LinkId> down;
  machine.router->host_route(device(13), false, down);
  REQUIRE(down.size() == 2);
  CHECK(down[0] == reverse(path.hops[1].link));
  CHECK(down[1] == reverse(path.hops[0].link));
}

TEST_CASE("A device reaches the switch of its domain over its own ports, where there is one") {
  const sim::Machine machine = build_machine(h100(16, FabricShape::fat_tree, 2));
  std::vector<sim::LinkId> up, down;
  machine.router->switch_route(device(13), true, up);
  machine.router->switch_route(device(13), false, down);
  REQUIRE(up.size() == 1);
  CHECK(link_name(machine, up[0]) == "gpu13->node1/nvswitch0");
  CHECK(down == std::vector{reverse(up[0])});
  ClusterSpec mesh = h100(16, FabricShape::fat_tree, 2);
  mesh.intra = IntraType::xgmi_mesh;
  build_machine(mesh).router->switch_route(device(13), true, up);
  CHECK(up.empty());
}

TEST_CASE("Without PCIe figures there is no host route") {
  ClusterSpec spec = h100(16, FabricShape::fat_tree, 2);
  spec.pcie_bandwidth = {};
  const sim::Machine machine = build_machine(spec);
  CHECK(path_to_host(machine, device(3)).hops.empty());
  CHECK(way(machine, 0, 9) == "gpu0 node0/nic0 leaf0 node1/nic1 gpu9");
}

TEST_CASE("An impossible spec is refused with its first problem") {
  CHECK_THROWS_WITH(build_machine(h100(12, FabricShape::fat_tree, 2)),
                    Catch::Contains("12 GPUs do not fill servers of 8"));
}
