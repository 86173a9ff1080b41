// Between servers: fat trees, rails, one switch.
#include <catch2/catch.hpp>

#include "specs.hpp"
#include "topologies/analysis.hpp"
#include "topologies/clos.hpp"

using namespace topologies;
using namespace topologies::testing;

TEST_CASE("One leaf: inter_latency from NIC to NIC, the rate of a NIC") {
  const ClusterSpec spec = h100(16, FabricShape::fat_tree, 2);
  const sim::Machine machine = build_machine(spec);
  CHECK(way(machine, 1, 8) == "gpu1 node0/pcie0 node0/nic1 leaf0 node1/nic0 node1/pcie0 gpu8");
  CHECK(latency(machine, 1, 8) == spec.inter_latency);
  CHECK(gb_per_s(bandwidth_between(machine, device(1), device(8))) == Approx(50));
  CHECK(find_links(machine, "*spine*").empty());
}

TEST_CASE("Each level of switches adds a hop up and a hop down") {
  ClusterSpec spec = llama3(16 * 6);
  spec.leaves_per_pod = 2;
  const sim::Time hop = usual_hop_latency(InterType::roce);
  const sim::Machine machine = build_machine(spec);
  CHECK(latency(machine, 0, 8) == spec.inter_latency);
  CHECK(latency(machine, 0, 16) == spec.inter_latency + 2 * hop);
  CHECK(latency(machine, 0, 32) == spec.inter_latency + 4 * hop);
  CHECK(hop > usual_hop_latency(InterType::infiniband));
  spec.hop_latency = sim::Time::us(1);
  CHECK(latency(build_machine(spec), 0, 32) == spec.inter_latency + 4 * sim::Time::us(1));
}

TEST_CASE("Uplinks of a leaf are one link of what its NICs need, less the oversubscription") {
  ClusterSpec spec = h100(64, FabricShape::fat_tree, 2);
  spec.oversubscription = 4;
  const sim::Machine machine = build_machine(spec);
  const std::vector<sim::LinkId> up = find_links(machine, "leaf*->spine*");
  REQUIRE(up.size() == 4);
  for (const sim::LinkId link : up) {
    CHECK(gb_per_s(machine.links[link].capacity) == Approx(2 * 8 * 50 / 4.0));
  }
}

TEST_CASE("Three levels: full rate inside a pod, oversubscription between pods") {
  ClusterSpec spec = llama3(16 * 6);
  spec.leaves_per_pod = 2;
  const sim::Machine machine = build_machine(spec);
  CHECK(find_links(machine, "leaf*->spine*").size() == 6);
  const std::vector<sim::LinkId> pods = find_links(machine, "spine*->core0");
  REQUIRE(pods.size() == 3);
  CHECK(gb_per_s(machine.links[pods[0]].capacity) == Approx(2 * 16 * 50 / 7.0));
  CHECK(way(machine, 0, 16 * 5) ==
        "gpu0 node0/pcie0 node0/nic0 leaf0 spine0 core0 spine2 leaf5 node10/nic0 node10/pcie0 "
        "gpu80");
}

TEST_CASE("Bisection of fat trees is the closed form") {
  for (const double ratio : {1.0, 2.0, 7.0}) {
    ClusterSpec two = h100(128, FabricShape::fat_tree, 2);
    two.oversubscription = ratio;
    CHECK(gb_per_s(bisection(build_machine(two))) == Approx(64 * 50 / ratio).epsilon(1e-5));
    ClusterSpec three = two;
    three.leaves_per_pod = 2;  // 4 pods of 4 servers
    CHECK(gb_per_s(bisection(build_machine(three))) == Approx(64 * 50 / ratio).epsilon(1e-5));
    ClusterSpec rails = two;
    rails.fabric = FabricShape::rail_optimised;
    CHECK(gb_per_s(bisection(build_machine(rails))) == Approx(64 * 50 / ratio).epsilon(1e-5));
  }
  CHECK(gb_per_s(bisection(build_machine(h100(32, FabricShape::single_switch, 1)))) ==
        Approx(16 * 50));
}

TEST_CASE("Bisection of small things") {
  CHECK(gb_per_s(bisection(build_machine(h100(1, FabricShape::fat_tree, 1)))) == 0.0);
  // Own links only where they join all devices: neither PCIe nor NICs add to NVLink.
  CHECK(gb_per_s(bisection(build_machine(h100(8, FabricShape::fat_tree, 1)))) == Approx(4 * 450));
  CHECK(gb_per_s(bisection(build_machine(nvl72(72)))) == Approx(36 * 900));
  CHECK(gb_per_s(bisection(build_machine(mi300x(8)))) == Approx(16 * 64));
  CHECK(gb_per_s(bisection(build_machine(dgx1(8)))) == Approx((2 + 2 + 1 + 1) * 25));
  CHECK(gb_per_s(bisection(build_machine(nvl72(144)))) == Approx(72 * 50));
  CHECK(gb_per_s(bisection(build_machine(pcie_box(8)))) == Approx(41.6));
  ClusterSpec pairs = pcie_box(8);
  pairs.intra = IntraType::nvlink_mesh;
  pairs.nvlink_domain = 2;
  CHECK(gb_per_s(bisection(build_machine(pairs))) == Approx(41.6));
}

TEST_CASE("Rails: the same rail of a unit is one leaf away") {
  const ClusterSpec spec = h100(64, FabricShape::rail_optimised, 4);
  const sim::Machine machine = build_machine(spec);
  CHECK(way(machine, 3, 11) == "gpu3 node0/pcie1 node0/nic3 leaf3 node1/nic3 node1/pcie1 gpu11");
  CHECK(latency(machine, 3, 11) == spec.inter_latency);
  CHECK(find_links(machine, "*nic5->leaf5").size() == 4);
  CHECK(find_links(machine, "*nic5->leaf13").size() == 4);
}

TEST_CASE("Rails: another rail is reached over NVLink first, another unit over the spine") {
  const ClusterSpec spec = h100(64, FabricShape::rail_optimised, 4);
  const sim::Machine machine = build_machine(spec);
  CHECK(way(machine, 3, 13) ==
        "gpu3 node0/nvswitch0 gpu5 node0/pcie2 node0/nic5 leaf5 node1/nic5 node1/pcie2 gpu13");
  CHECK(latency(machine, 3, 13) == spec.inter_latency + spec.intra_latency);
  CHECK(way(machine, 3, 35) ==
        "gpu3 node0/pcie1 node0/nic3 leaf3 spine0 leaf11 node4/nic3 node4/pcie1 gpu35");
}

TEST_CASE("Rails: without NVLink the spine joins the rails") {
  ClusterSpec spec = pcie_box(16);
  spec.fabric = FabricShape::rail_optimised;
  spec.nics_per_node = 8;
  const sim::Machine machine = build_machine(spec);
  CHECK(way(machine, 3, 13) ==
        "gpu3 node0/pcie1 node0/nic3 leaf3 spine0 leaf5 node1/nic5 node1/pcie2 gpu13");
}

TEST_CASE("Rails: pods of whole units under a core") {
  ClusterSpec spec = h100(128, FabricShape::rail_optimised, 2);
  spec.leaves_per_pod = 32;  // 4 units of 8 rails: 8 servers
  const sim::Machine machine = build_machine(spec);
  CHECK(find_links(machine, "spine*->core0").size() == 2);
  CHECK(way(machine, 0, 120) ==
        "gpu0 node0/pcie0 node0/nic0 leaf0 spine0 core0 spine1 leaf56 node15/nic0 node15/pcie0 "
        "gpu120");
}

TEST_CASE("Fewer NICs than GPUs are shared, and sit on the switch of their first GPU") {
  const sim::Machine machine = build_machine(dgx1(16));
  CHECK(way(machine, 0, 9) == "gpu0 node0/pcie0 node0/nic0 leaf0 node1/nic0 node1/pcie0 gpu9");
  CHECK(way(machine, 7, 8) == "gpu7 node0/pcie3 node0/nic3 leaf0 node1/nic0 node1/pcie0 gpu8");
  const std::vector<sim::DeviceId> pair{device(0), device(1)}, far{device(8), device(10)};
  CHECK(gb_per_s(max_flow(machine, pair, far)) > 12.4);
  CHECK(find_links(machine, "node0/nic*->leaf0").size() == 4);
}

TEST_CASE("One NIC for eight: the far socket goes through both hosts") {
  const sim::Machine machine = build_machine(pcie_box(16));
  CHECK(way(machine, 7, 8) ==
        "gpu7 node0/pcie3 node0/cpu1 node0/cpu0 node0/pcie0 node0/nic0 leaf0 node1/nic0 "
        "node1/pcie0 gpu8");
}

TEST_CASE("More NICs than GPUs are bundled, one of the sum a GPU") {
  ClusterSpec spec = h100(16, FabricShape::fat_tree, 2);
  spec.nics_per_node = 32;  // p5: four 100 Gb/s EFA a GPU
  spec.nic_bandwidth = sim::Bandwidth::gb_per_s(12.5);
  const sim::Machine machine = build_machine(spec);
  const std::vector<sim::LinkId> nics = find_links(machine, "node0/nic*->leaf0");
  REQUIRE(nics.size() == 8);
  CHECK(gb_per_s(machine.links[nics[0]].capacity) == Approx(50));
  spec.nics_per_node = 10;  // not a multiple: shared out evenly
  const sim::Machine ten = build_machine(spec);
  CHECK(gb_per_s(ten.links[find_links(ten, "node0/nic0->leaf0").at(0)].capacity) == Approx(15.625));
}

TEST_CASE("A partly filled leaf keeps its designed uplinks") {
  ClusterSpec spec = h100(24, FabricShape::fat_tree, 2);
  spec.oversubscription = 2;
  const sim::Machine machine = build_machine(spec);
  const std::vector<sim::LinkId> up = find_links(machine, "leaf1->spine0");
  REQUIRE(up.size() == 1);
  CHECK(gb_per_s(machine.links[up[0]].capacity) == Approx(400));
}
