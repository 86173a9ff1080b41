#include <catch2/catch.hpp>
#include <limits>

#include "specs.hpp"

using namespace topologies;
using namespace topologies::testing;

namespace {

bool complains(const ClusterSpec& spec, const std::string& of) {
  for (const std::string& sentence : problems(spec)) {
    if (sentence.find(of) != std::string::npos) {
      CHECK_THROWS_AS(build_machine(spec), sim::ContractViolation);
      return true;
    }
  }
  return false;
}

}  // namespace

TEST_CASE("Possible specs have no problems") {
  for (const ClusterSpec& spec : small_specs()) {
    INFO(spec.name << " of " << spec.gpus);
    CHECK(problems(spec).empty());
  }
  CHECK(problems(llama3(24576)).empty());
}

TEST_CASE("Counts that make no cluster are named") {
  ClusterSpec spec = h100(16, FabricShape::fat_tree, 2);
  spec.gpus = 0;
  CHECK(complains(spec, "at least one GPU"));
  spec.gpus = std::numeric_limits<std::int64_t>::max();
  CHECK(complains(spec, "at most 1048576"));
  spec = h100(20, FabricShape::fat_tree, 2);
  CHECK(complains(spec, "take 16 or 24"));
  spec = h100(16, FabricShape::fat_tree, 2);
  spec.gpus_per_node = 0;
  CHECK(complains(spec, "0 GPUs in a server"));
  spec = h100(16, FabricShape::fat_tree, 0);
  CHECK(complains(spec, "0 servers on a leaf switch"));
  spec = h100(16, FabricShape::fat_tree, 2);
  spec.gpus_per_pcie_switch = 0;
  CHECK(complains(spec, "0 GPUs on a PCIe switch"));
  const std::int64_t huge = std::numeric_limits<std::int64_t>::max();
  for (std::int64_t ClusterSpec::*count :
       {&ClusterSpec::gpus_per_node, &ClusterSpec::nvlink_domain, &ClusterSpec::nics_per_node,
        &ClusterSpec::gpus_per_pcie_switch, &ClusterSpec::nodes_per_leaf,
        &ClusterSpec::leaves_per_pod}) {
    spec = h100(16, FabricShape::fat_tree, 2);
    spec.*count = huge;
    CHECK(complains(spec, std::to_string(huge)));
    spec.*count = -huge;
    CHECK(complains(spec, std::to_string(-huge)));
  }
}

TEST_CASE("Servers without NICs are only for one domain") {
  ClusterSpec spec = h100(16, FabricShape::fat_tree, 2);
  spec.nics_per_node = 0;
  CHECK(complains(spec, "2 servers without NICs cannot reach each other"));
  spec.gpus = 8;
  CHECK(problems(spec).empty());
  spec = nvl72(72);
  spec.nics_per_node = 0;
  CHECK(problems(spec).empty());
  spec.gpus = 144;
  CHECK(complains(spec, "without NICs"));
}

TEST_CASE("Rates and ratios must be numbers above zero") {
  ClusterSpec spec = h100(16, FabricShape::fat_tree, 2);
  spec.nic_bandwidth = {};
  CHECK(complains(spec, "bandwidth of a NIC is missing"));
  spec = h100(16, FabricShape::fat_tree, 2);
  spec.intra_bandwidth = {};
  CHECK(complains(spec, "links inside a server is missing"));
  spec.intra_bandwidth = sim::Bandwidth{std::numeric_limits<double>::quiet_NaN()};
  CHECK(complains(spec, "links inside a server must be above zero"));
  spec.intra_bandwidth = sim::Bandwidth::gb_per_s(1e9);
  CHECK(complains(spec, "below 1 PB/s"));
  spec = h100(16, FabricShape::fat_tree, 2);
  spec.pcie_bandwidth = sim::Bandwidth{-1.0};
  CHECK(complains(spec, "PCIe must be"));
  for (const double ratio : {0.0, -1.0, std::numeric_limits<double>::infinity()}) {
    spec = h100(16, FabricShape::fat_tree, 2);
    spec.oversubscription = ratio;
    CHECK(complains(spec, "oversubscription"));
  }
  spec = h100(16, FabricShape::fat_tree, 2);
  spec.inter_latency = sim::Time::ps(-1);
  CHECK(complains(spec, "latency cannot be negative"));
}

TEST_CASE("Meshes exist in a few sizes, inside a server") {
  ClusterSpec spec = dgx1(8);
  spec.nvlink_domain = 6;
  spec.gpus_per_node = 6;
  spec.gpus = 6;
  CHECK(complains(spec, "an NVLink mesh of 6 GPUs"));
  spec = dgx1(16);
  spec.nvlink_domain = 16;
  CHECK(complains(spec, "cables between GPUs do not leave a server"));
  spec = mi300x(8);
  spec.gpus = spec.gpus_per_node = 64;
  CHECK(complains(spec, "at most 32"));
  spec = h100(16, FabricShape::fat_tree, 2);
  spec.nvlink_domain = 12;
  CHECK(complains(spec, "does not fit servers of 8"));
  spec = pcie_box(16);
  spec.nvlink_domain = 16;
  CHECK(complains(spec, "no NVLink"));
}

TEST_CASE("A server whose devices share nothing is refused") {
  ClusterSpec spec = h100(8, FabricShape::fat_tree, 2);
  spec.intra = IntraType::none;
  spec.pcie_bandwidth = {};
  CHECK(complains(spec, "cannot reach each other"));
}

TEST_CASE("The extents of a torus multiply to its devices") {
  ClusterSpec spec = tpu({4, 4, 4});
  spec.torus = {4, 4, 2};
  CHECK(complains(spec, "do not multiply to its 64"));
  spec.torus = {};
  CHECK(complains(spec, "needs the extents"));
  spec.torus = {4, 0, 16};
  CHECK(complains(spec, "extent of 0"));
  spec.torus = {64, 64, 64, 64};
  CHECK(complains(spec, "do not multiply"));
  spec = tpu({4, 4});
  spec.intra_bandwidth = {};
  CHECK(complains(spec, "need a bandwidth"));
}

TEST_CASE("Pods of rails hold whole units") {
  ClusterSpec spec = h100(64, FabricShape::rail_optimised, 2);
  spec.leaves_per_pod = 12;
  CHECK(complains(spec, "whole units of 8 rails"));
}
