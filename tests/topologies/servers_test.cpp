// Inside a server or an NVLink domain.
#include <catch2/catch.hpp>

#include "specs.hpp"
#include "topologies/analysis.hpp"
#include "topologies/mesh.hpp"

using namespace topologies;
using namespace topologies::testing;

TEST_CASE("NVSwitch: full rate between any two, latency split without loss") {
  const ClusterSpec spec = h100(8, FabricShape::fat_tree, 2);
  const sim::Machine machine = build_machine(spec);
  CHECK(way(machine, 2, 7) == "gpu2 node0/nvswitch0 gpu7");
  CHECK(gb_per_s(bandwidth_between(machine, device(2), device(7))) == Approx(450));
  CHECK(latency(machine, 2, 7) == spec.intra_latency);
  CHECK(inventory(machine).vertices[static_cast<std::size_t>(VertexKind::nic)] == 0);
}

TEST_CASE("DGX-1: six 25 GB/s links a GPU, pairs of one or two, no pair more than two hops apart") {
  const sim::Machine machine = build_machine(dgx1(8));
  double total = 0.0;
  int doubles = 0, links = 0;
  for (std::size_t i = 0; i < machine.links.size(); i += 2) {
    const sim::Link& link = machine.links[sim::LinkId{i}];
    if (link.kind != sim::LinkKind::nvlink) continue;
    total += gb_per_s(link.capacity);
    doubles += gb_per_s(link.capacity) > 30 ? 1 : 0;
    ++links;
  }
  CHECK(links == 16);
  CHECK(doubles == 8);
  CHECK(total == Approx(8 * 6 * 25 / 2.0));
  CHECK(gb_per_s(bandwidth_between(machine, device(0), device(3))) == Approx(50));
  CHECK(gb_per_s(bandwidth_between(machine, device(0), device(1))) == Approx(25));
  CHECK(way(machine, 0, 4) == "gpu0 gpu4");
  CHECK(way(machine, 0, 7) == "gpu0 gpu4 gpu7");  // over the two double links
  CHECK(gb_per_s(bandwidth_between(machine, device(0), device(7))) == Approx(50));
  for (std::int64_t to = 1; to < 8; ++to) CHECK(route(machine, 0, to).size() <= 2);
}

TEST_CASE("DGX-1: a ring through all eight over double links exists") {
  const sim::Machine machine = build_machine(dgx1(8));
  const std::vector<std::int64_t> ring{0, 3, 2, 1, 5, 6, 7, 4};
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const std::int64_t a = ring[i], b = ring[(i + 1) % ring.size()];
    INFO(a << " - " << b);
    CHECK(route(machine, a, b).size() == 1);
    CHECK(gb_per_s(bandwidth_between(machine, device(a), device(b))) == Approx(50));
  }
}

TEST_CASE("Four A100 with all pairs cabled have a third of their bandwidth to each") {
  const sim::Machine machine = build_machine(polaris(4));
  for (std::int64_t to = 1; to < 4; ++to) {
    CHECK(route(machine, 0, to).size() == 1);
    CHECK(gb_per_s(bandwidth_between(machine, device(0), device(to))) == Approx(100));
  }
  const std::vector<sim::DeviceId> one{device(0)}, rest{device(1), device(2), device(3)};
  CHECK(gb_per_s(max_flow(machine, one, rest)) > 299.9);
}

TEST_CASE("xGMI: a link of a seventh between every two of eight") {
  const sim::Machine machine = build_machine(mi300x(8));
  CHECK(gb_per_s(bandwidth_between(machine, device(3), device(6))) == Approx(64));
  CHECK(find_links(machine, "gpu3->gpu*").size() == 7);
}

TEST_CASE("A partly used mesh keeps the links that the whole server has") {
  const sim::Machine machine = build_machine(mi300x(4));
  CHECK(machine.devices.size() == 4);
  CHECK(gb_per_s(bandwidth_between(machine, device(0), device(3))) == Approx(64));
  const sim::Machine six = build_machine(dgx1(6));
  CHECK(way(six, 3, 5) == "gpu3 gpu1 gpu5");
}

TEST_CASE("Next hops prefer fewer hops, then thicker cables") {
  // 0 - 1 - 2 - 3 in a ring, thin except 0 - 3 - 2.
  const MeshPlan plan{4, {0, 1, 0, 2, 1, 0, 1, 0, 0, 1, 0, 2, 2, 0, 2, 0}, {}};
  const std::vector<std::uint8_t> next = next_hops(plan);
  CHECK(next[0 * 4 + 2] == 3);
  CHECK(next[2 * 4 + 0] == 3);
  CHECK(next[0 * 4 + 1] == 1);
}

TEST_CASE("A mesh that falls apart is refused") {
  const MeshPlan plan{4, {0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0}, {}};
  CHECK_THROWS_AS(next_hops(plan), sim::ContractViolation);
}

TEST_CASE("NVL72: 18 servers in one domain, the network only between domains") {
  const sim::Machine machine = build_machine(nvl72(144));
  CHECK(way(machine, 0, 71) == "gpu0 nvswitch0 gpu71");
  CHECK(gb_per_s(bandwidth_between(machine, device(0), device(71))) == Approx(900));
  CHECK(gb_per_s(bandwidth_between(machine, device(0), device(72))) == Approx(50));
  CHECK(inventory(machine).nvlink_domains == 2);
  CHECK(inventory(machine).nodes == 36);
}

TEST_CASE("NVL72: part of a domain, without NICs") {
  ClusterSpec spec = nvl72(64);
  spec.nics_per_node = 0;
  const sim::Machine machine = build_machine(spec);
  CHECK(route(machine, 0, 63).size() == 2);
}

TEST_CASE("PCIe: one switch, one socket, two sockets") {
  const ClusterSpec spec = pcie_box(8);
  const sim::Machine machine = build_machine(spec);
  CHECK(way(machine, 0, 1) == "gpu0 node0/pcie0 gpu1");
  CHECK(latency(machine, 0, 1) == spec.intra_latency);
  CHECK(way(machine, 0, 2) == "gpu0 node0/pcie0 node0/cpu0 node0/pcie1 gpu2");
  CHECK(way(machine, 0, 7) == "gpu0 node0/pcie0 node0/cpu0 node0/cpu1 node0/pcie3 gpu7");
  CHECK(latency(machine, 0, 2) > latency(machine, 0, 1));
  CHECK(latency(machine, 0, 7) > latency(machine, 0, 2));
  CHECK(gb_per_s(bandwidth_between(machine, device(0), device(7))) == Approx(26));
}

TEST_CASE("PCIe: the devices of a switch share its uplink, sockets their link") {
  ClusterSpec spec = pcie_box(8);
  const std::vector<sim::DeviceId> pair{device(0), device(1)}, other{device(2), device(3)};
  CHECK(gb_per_s(max_flow(build_machine(spec), pair, other)) == Approx(26));
  const std::vector<sim::DeviceId> left{device(0), device(1), device(2), device(3)};
  const std::vector<sim::DeviceId> right{device(4), device(5), device(6), device(7)};
  CHECK(gb_per_s(max_flow(build_machine(spec), left, right)) == Approx(41.6));
  spec.inter_socket_bandwidth = sim::Bandwidth::gb_per_s(20);
  CHECK(gb_per_s(max_flow(build_machine(spec), left, right)) == Approx(20));
}

TEST_CASE("Bridged pairs use NVLink inside, PCIe between pairs") {
  ClusterSpec spec = pcie_box(8);
  spec.intra = IntraType::nvlink_mesh;
  spec.nvlink_domain = 2;
  spec.intra_bandwidth = sim::Bandwidth::gb_per_s(300);
  const sim::Machine machine = build_machine(spec);
  CHECK(way(machine, 0, 1) == "gpu0 gpu1");
  CHECK(gb_per_s(bandwidth_between(machine, device(0), device(1))) == Approx(300));
  CHECK(way(machine, 1, 2) == "gpu1 node0/pcie0 node0/cpu0 node0/pcie1 gpu2");
  CHECK(machine.devices[device(7)].nvlink_domain == machine.devices[device(0)].nvlink_domain);
}
