#include "topologies/analysis.hpp"

#include <catch2/catch.hpp>

#include "specs.hpp"

using namespace topologies;
using namespace topologies::testing;

namespace {

class NoRoutes final : public LayoutRouter {
 public:
  using LayoutRouter::LayoutRouter;
  void route(sim::DeviceId, sim::DeviceId, std::vector<sim::LinkId>& out) const override {
    out.clear();
  }
  void host_route(sim::DeviceId, bool, std::vector<sim::LinkId>& out) const override {
    out.clear();
  }
  void switch_route(sim::DeviceId, bool, std::vector<sim::LinkId>& out) const override {
    out.clear();
  }
};

sim::Machine two_lone_devices() {
  sim::Machine machine;
  machine.devices.resize(2);
  Layout layout;
  layout.vertices.resize(2);
  machine.router = std::make_shared<NoRoutes>(layout);
  return machine;
}

}  // namespace

TEST_CASE("The inventory counts vertices and links by kind") {
  const Inventory counts = inventory(build_machine(h100(64, FabricShape::rail_optimised, 4)));
  const auto of = [&](VertexKind kind) { return counts.vertices[static_cast<std::size_t>(kind)]; };
  CHECK(of(VertexKind::gpu) == 64);
  CHECK(of(VertexKind::nvswitch) == 8);
  CHECK(of(VertexKind::pcie_switch) == 32);
  CHECK(of(VertexKind::host) == 16);
  CHECK(of(VertexKind::nic) == 64);
  CHECK(of(VertexKind::leaf) == 16);
  CHECK(of(VertexKind::spine) == 1);
  CHECK(of(VertexKind::core) == 0);
  CHECK(counts.nodes == 8);
  CHECK(counts.links[static_cast<std::size_t>(sim::LinkKind::nvlink)] == 128);
  CHECK(counts.links[static_cast<std::size_t>(sim::LinkKind::nic)] == 128);
  CHECK(counts.links[static_cast<std::size_t>(sim::LinkKind::fabric)] == 32);
}

TEST_CASE("A path sums latencies and finds its narrowest link") {
  const sim::Machine machine = build_machine(h100(64, FabricShape::fat_tree, 2));
  const Path path = path_between(machine, device(0), device(63));
  sim::Time sum;
  for (const Hop& hop : path.hops) {
    sum += hop.latency;
    CHECK(path.bandwidth <= hop.capacity);
  }
  CHECK(sum == path.latency);
  CHECK(path_between(machine, device(5), device(5)).hops.empty());
  CHECK_THROWS_AS(path_between(machine, device(0), device(64)), sim::ContractViolation);
}

TEST_CASE("Max flow adds up disjoint ways") {
  ClusterSpec spec = h100(16, FabricShape::fat_tree, 2);
  const sim::Machine machine = build_machine(spec);
  // One device reaches its own NIC by its PCIe link, and the others' over NVLink.
  const std::vector<sim::DeviceId> one{device(0)}, far{device(8)};
  CHECK(gb_per_s(max_flow(machine, one, far)) == Approx(400));
  std::vector<sim::DeviceId> left, right;
  for (std::int64_t i = 0; i < 8; ++i) {
    left.push_back(device(i));
    right.push_back(device(8 + i));
  }
  CHECK(gb_per_s(max_flow(machine, left, right)) == Approx(400));
  CHECK(gb_per_s(max_flow(machine, right, left)) == Approx(400));
}

TEST_CASE("Max flow refuses groups that are empty, overlap or repeat") {
  const sim::Machine machine = build_machine(h100(16, FabricShape::fat_tree, 2));
  const std::vector<sim::DeviceId> none, a{device(0), device(1)}, b{device(1), device(2)};
  const std::vector<sim::DeviceId> twice{device(3), device(3)};
  CHECK_THROWS_AS(max_flow(machine, none, a), sim::ContractViolation);
  CHECK_THROWS_AS(max_flow(machine, a, b), sim::ContractViolation);
  CHECK_THROWS_AS(max_flow(machine, a, twice), sim::ContractViolation);
}

TEST_CASE("Every machine is connected, but not two devices without a link") {
  for (const ClusterSpec& spec : small_specs()) REQUIRE(connected(build_machine(spec)));
  const sim::Machine apart = two_lone_devices();
  CHECK_FALSE(connected(apart));
  CHECK(fewest_hops(apart, device(0))[1] == kUnreachable);
  const std::vector<sim::DeviceId> one{device(0)}, other{device(1)};
  CHECK(gb_per_s(max_flow(apart, one, other)) == 0.0);
}

TEST_CASE("Bisection of the Llama 3 cluster: pods joined at a seventh") {
  const sim::Machine machine = build_machine(llama3(24576));
  // 4 of 8 pods of 3,072 GPUs on each side, 50 GB/s each, 1:7.
  CHECK(gb_per_s(bisection(machine)) == Approx(4 * 3072 * 50 / 7.0).epsilon(1e-5));
}
