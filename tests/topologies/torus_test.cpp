#include <catch2/catch.hpp>
#include <map>

#include "specs.hpp"
#include "topologies/analysis.hpp"

using namespace topologies;
using namespace topologies::testing;

TEST_CASE("A 3D torus has six links a device, each a sixth of its bandwidth") {
  const sim::Machine machine = build_machine(tpu({4, 4, 4}));
  CHECK(find_links(machine, "gpu21->gpu*").size() == 6);
  CHECK(gb_per_s(bandwidth_between(machine, device(0), device(1))) == Approx(50));
  CHECK(machine.devices[device(63)].nvlink_domain == 0);
}

TEST_CASE("Routes correct one dimension after the other, the shorter way round") {
  const sim::Machine machine = build_machine(tpu({5, 3}));
  CHECK(way(machine, 0, 7) == "gpu0 gpu1 gpu2 gpu7");
  CHECK(way(machine, 0, 4) == "gpu0 gpu4");              // wraps
  CHECK(way(machine, 0, 13) == "gpu0 gpu4 gpu3 gpu13");  // both dimensions wrap
  CHECK(latency(machine, 0, 13) == 3 * sim::Time::us(1));
}

TEST_CASE("Half-way round, even coordinates go up and odd ones down") {
  const sim::Machine machine = build_machine(tpu({4}));
  CHECK(way(machine, 0, 2) == "gpu0 gpu1 gpu2");
  CHECK(way(machine, 1, 3) == "gpu1 gpu0 gpu3");
}

TEST_CASE("Uniform traffic loads all links of an even torus alike") {
  const sim::Machine machine = build_machine(tpu({4, 4}));
  std::map<sim::LinkId, int> uses;
  for (std::int64_t from = 0; from < 16; ++from) {
    for (std::int64_t to = 0; to < 16; ++to) {
      for (const sim::LinkId link : route(machine, from, to)) ++uses[link];
    }
  }
  CHECK(uses.size() == 64);
  for (const auto& [link, count] : uses) CHECK(count == uses.begin()->second);
}

TEST_CASE("Two in a dimension share one link of both ports, one has none") {
  const sim::Machine machine = build_machine(tpu({2, 1, 6}));
  CHECK(find_links(machine, "gpu0->gpu*").size() == 3);
  CHECK(gb_per_s(bandwidth_between(machine, device(0), device(1))) == Approx(100));
  CHECK(gb_per_s(bandwidth_between(machine, device(0), device(2))) == Approx(50));
}

TEST_CASE("Bisection of a torus is two cuts across its last dimension") {
  // 2 x (product of the other extents) links of bandwidth / (2 dimensions); hosts do not help.
  ClusterSpec spec = tpu({4, 4, 8});
  CHECK(gb_per_s(bisection(build_machine(spec))) == Approx(2 * 16 * 50));
  spec = tpu({8, 8});
  CHECK(gb_per_s(bisection(build_machine(spec))) == Approx(2 * 8 * 75));
  spec = tpu({16});
  CHECK(gb_per_s(bisection(build_machine(spec))) == Approx(2 * 150));
}

TEST_CASE("Without a bandwidth of its own a torus device has its share of the NICs") {
  ClusterSpec spec = tpu({4, 4});
  spec.intra_bandwidth = {};
  spec.nics_per_node = 4;
  spec.nic_bandwidth = sim::Bandwidth::gb_per_s(40);
  CHECK(gb_per_s(bandwidth_between(build_machine(spec), device(0), device(1))) == Approx(10));
}
