#include "topologies/assembly.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "specs.hpp"

using namespace topologies;
using namespace topologies::testing;

TEST_CASE("A network is whole when its devices are in one component") {
  Network network(4);
  for (std::int64_t i = 0; i < 3; ++i) network.add(make_vertex(VertexKind::gpu, i));
  const VertexId leaf = network.add(make_vertex(VertexKind::leaf, 0));
  CHECK(network.vertex_count() == 4);
  CHECK(network.connects(1));
  CHECK_FALSE(network.connects(2));
  const Cable cable{sim::Bandwidth::gb_per_s(1), sim::LinkKind::nic, sim::Time::ns(1),
                    sim::Time::ns(2)};
  CHECK(network.join(VertexId{0}, leaf, cable).value() == 0);
  CHECK(network.join(VertexId{2}, leaf, cable).value() == 2);
  CHECK_FALSE(network.connects(3));
  network.join(leaf, VertexId{1}, cable);
  CHECK(network.connects(3));
}

TEST_CASE("Freezing hands out both links of each cable, with their own latencies") {
  Network network(2);
  network.add(make_vertex(VertexKind::gpu, 0, 5));
  network.add(make_vertex(VertexKind::nvswitch, 3));
  network.join(
      VertexId{0}, VertexId{1},
      {sim::Bandwidth::gb_per_s(7), sim::LinkKind::nvlink, sim::Time::ns(1), sim::Time::ns(2)});
  Layout layout;
  sim::IdVector<sim::LinkId, sim::Link> links;
  network.freeze(layout, links);
  REQUIRE(links.size() == 2);
  CHECK(links[sim::LinkId{0}].latency == sim::Time::ns(1));
  CHECK(links[sim::LinkId{1}].latency == sim::Time::ns(2));
  CHECK(links[sim::LinkId{1}].kind == sim::LinkKind::nvlink);
  CHECK(layout.ends[sim::LinkId{1}].from == VertexId{1});
  CHECK(layout.vertices[VertexId{0}].node == 5);
  CHECK(layout.vertices[VertexId{1}].node == kNoNode);
}

TEST_CASE("NICs are dealt to devices in order, each on the switch of its first") {
  ClusterSpec spec = h100(64, FabricShape::fat_tree, 2);
  for (const std::int64_t nics : {1, 2, 3, 4, 5, 8, 10, 32}) {
    spec.nics_per_node = nics;
    const Sizes sizes(spec);
    INFO(nics << " NICs");
    CHECK(sizes.nics == std::min<std::int64_t>(nics, 8));
    CHECK(gb_per_s(sizes.nic_rate) * static_cast<double>(sizes.nics) ==
          Approx(static_cast<double>(nics) * 50.0));
    std::vector<int> users(static_cast<std::size_t>(sizes.nics));
    for (std::int64_t gpu = 0; gpu < 8; ++gpu) {
      const std::int64_t nic = sizes.nic_of(gpu);
      if (users.at(static_cast<std::size_t>(nic))++ == 0) CHECK(sizes.first_gpu_of(nic) == gpu);
    }
    CHECK(std::count(users.begin(), users.end(), 0) == 0);
  }
}

TEST_CASE("Halves of a time add up to it") {
  for (const std::int64_t ps : {0, 1, 2, 601'000, 2'500'001}) {
    const sim::Time time = sim::Time::ps(ps);
    CHECK(half(time) + (time - half(time)) == time);
    CHECK(half(time) <= time - half(time));
  }
}
