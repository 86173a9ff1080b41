// Topologies that NCCL and RCCL dump, as clusters.
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "formats/format.hpp"
#include "scenarios/reader.hpp"

namespace {

std::string sample(const std::string& name) {
  std::ifstream file(std::string(STEPCAST_SOURCE_DIR) + "/tests/formats/data/topology_" + name +
                     ".xml");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

formats::Imported imported(const std::string& text, const std::string& cluster = "",
                           std::int64_t gpus = 0) {
  return formats::import_nccl_topology({"system.xml", text, cluster, gpus});
}

scenarios::Scenario scenario(const formats::Imported& from) {
  return scenarios::read_scenario_text(from.scenario, "imported");
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  REQUIRE(text.find(what) != std::string::npos);
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
  return text;
}

bool says(const formats::Imported& from, const std::string& part, std::size_t line) {
  for (const formats::Note& note : from.notes) {
    if (note.text.find(part) != std::string::npos && note.line == line) return true;
  }
  return false;
}

std::string refusal(const std::string& text) {
  try {
    imported(text);
  } catch (const scenarios::ScenarioError& error) {
    return error.what();
  }
  return "it was read";
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

using topologies::InterType;
using topologies::IntraType;

}  // namespace

TEST_CASE("topology: a DGX H100 as dumped is the catalogue's") {
  const formats::Imported from = imported(sample("dgx_h100"));
  const topologies::ClusterSpec read = scenario(from).cluster;
  const topologies::ClusterSpec known =
      scenarios::read_scenario_text("model: gpt2\ncluster: dgx-h100\nstrategy: {dp: 8}\n", "known")
          .cluster;
  CHECK(scenario(from).device.name == "h100-80gb");
  CHECK(read.gpus == known.gpus);
  CHECK(read.gpus_per_node == known.gpus_per_node);
  CHECK(read.nvlink_domain == known.nvlink_domain);
  CHECK(read.intra == known.intra);
  CHECK(read.intra_bandwidth == known.intra_bandwidth);
  CHECK(read.pcie_bandwidth == known.pcie_bandwidth);
  CHECK(read.gpus_per_pcie_switch == 1);  // each has a switch of its own, with its port
  CHECK(read.inter == known.inter);
  CHECK(read.nics_per_node == known.nics_per_node);
  CHECK(read.nic_bandwidth == known.nic_bandwidth);
  CHECK(says(from, "mlx5_8 of 200 Gb/s is left out", 65));
}

TEST_CASE("topology: cables from GPU to GPU are a mesh of all of them, or of parts") {
  const topologies::ClusterSpec cube = scenario(imported(sample("dgx1_v100"))).cluster;
  CHECK(cube.intra == IntraType::nvlink_mesh);
  CHECK(cube.nvlink_domain == 8);
  CHECK(cube.intra_bandwidth == sim::Bandwidth::gb_per_s(150));
  CHECK(cube.gpus_per_pcie_switch == 2);
  CHECK(cube.nics_per_node == 4);
  CHECK(cube.inter == InterType::infiniband);
  const topologies::ClusterSpec pairs = scenario(imported(sample("a6000"))).cluster;
  CHECK(pairs.intra == IntraType::nvlink_mesh);
  CHECK(pairs.nvlink_domain == 2);
  CHECK(pairs.gpus_per_node == 4);
  CHECK(pairs.intra_bandwidth == sim::Bandwidth::gb_per_s(56.25));
  CHECK(pairs.inter == InterType::ethernet);
  CHECK(pairs.nic_bandwidth == sim::Bandwidth{25e9 / 8});
}

TEST_CASE("topology: links to GPUs that are not in the file do not count") {
  std::string text = sample("dgx1_v100");
  text.erase(text.find("  <cpu numaid=\"1\""));
  const topologies::ClusterSpec half = scenario(imported(text + "</system>")).cluster;
  CHECK(half.gpus == 4);
  CHECK(half.nvlink_domain == 4);
  CHECK(half.intra_bandwidth == sim::Bandwidth::gb_per_s(100));
}

TEST_CASE("topology: a mesh that no model here has is joined by PCIe, and it is said") {
  std::string text =
      replaced(sample("a6000"), "target=\"0000:01:00.0\"", "target=\"0000:81:00.0\"");
  text = replaced(text, "target=\"0000:41:00.0\"", "target=\"0000:01:00.0\"");
  const formats::Imported from = imported(text);
  const topologies::ClusterSpec spec = scenario(from).cluster;
  CHECK(spec.intra == IntraType::pcie);
  CHECK(spec.intra_bandwidth == sim::Bandwidth::gb_per_s(26.2));
  CHECK(says(from, "NVLink joins 1 to 3 of 4 GPUs", 4));
}

TEST_CASE("topology: RCCL's dump of eight MI300X") {
  const scenarios::Scenario read = scenario(imported(sample("mi300x")));
  CHECK(read.device.name == "mi300x");
  CHECK(read.cluster.intra == IntraType::xgmi_mesh);
  CHECK(read.cluster.intra_bandwidth == sim::Bandwidth::gb_per_s(448));
  CHECK(read.cluster.inter == InterType::roce);
}

TEST_CASE("topology: servers that NVLink joins have a domain beyond a server") {
  std::string text =
      replaced(sample("dgx_h100"), "<cpu numaid=\"0\"", "<cpu host_hash=\"0x1\" numaid=\"0\"");
  text = replaced(text, "<cpu numaid=\"1\"", "<cpu host_hash=\"0x2\" numaid=\"0\"");
  const formats::Imported from = imported(text);
  const topologies::ClusterSpec spec = scenario(from).cluster;
  CHECK(spec.gpus == 8);
  CHECK(spec.gpus_per_node == 4);
  CHECK(spec.nvlink_domain == 8);
  CHECK(spec.nics_per_node == 4);
  CHECK(says(from, "2 servers in one file", 0));
}

TEST_CASE("topology: what is not in the file comes from --cluster, or is assumed and said") {
  const std::string text = replaced(sample("dgx_h100"), "0x2330", "0xffff");
  const formats::Imported assumed = imported(text);
  CHECK(scenario(assumed).device.name == "h100-80gb");
  CHECK(says(assumed, "h100-80gb is assumed from compute capability 90", 10));
  const formats::Imported named = imported(text, "gcp-a3-ultra", 32);
  CHECK(scenario(named).device.name == "h200");
  CHECK(scenario(named).cluster.gpus == 32);
  CHECK(scenario(named).cluster.nic_bandwidth == sim::Bandwidth{50e9});
  CHECK(says(named, "the device of gcp-a3-ultra is taken", 10));
  const formats::Imported virtual_machine =
      imported(replaced(sample("dgx_h100"), "32.0 GT/s PCIe", "Unknown"));
  CHECK(says(virtual_machine, "that of the device is taken", 10));
  CHECK(scenario(virtual_machine).cluster.pcie_bandwidth == sim::Bandwidth::gb_per_s(51));
}

TEST_CASE("topology: what is no topology is refused at its place") {
  CHECK(has(refusal(""), "system.xml:1:1: error: this is no XML"));
  CHECK(has(refusal("<system>\n  <cpu>\n"), "this is no XML"));
  CHECK(has(refusal("\n <graphs/>"), "system.xml:2:3: error: a topology of NCCL begins with"));
  CHECK(has(refusal("<system><cpu/></system>"), "there is no <gpu> in it"));
  CHECK(has(refusal("<system><cpu/></system>"), "hint: NCCL_TOPO_DUMP_FILE"));
  const std::string bad = refusal(replaced(sample("dgx1_v100"), "speed=\"100000\"", "speed=\"é\""));
  CHECK(has(bad, "system.xml:22:50: error: speed of <net> is 'é'"));
  CHECK(has(bad, "hint: a whole number"));
  CHECK(has(refusal(replaced(sample("mi300x"), "0x1002", "0x1d94")),
            "system.xml:5:10: error: PCI device 0x1d94 0x74a1 is not known"));
}

TEST_CASE("topology: neither depth nor entities nor numbers of elements are a trap") {
  std::string deep = "<system><cpu>";
  for (int i = 0; i < 100'000; ++i) deep += "<pci>";
  CHECK(has(refusal(deep), "this is no XML"));
  std::string closed = deep;
  for (int i = 0; i < 100'000; ++i) closed += "</pci>";
  CHECK(has(refusal(closed + "</cpu></system>"), "more than 64 elements deep"));
  std::string many = "<system><cpu>";
  for (int i = 0; i < 100'001; ++i) many += "<x/>";
  CHECK(has(refusal(many + "</cpu></system>"), "more than 100000 elements"));
  const std::string laughs =
      "<!DOCTYPE system [<!ENTITY a \"aaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>\n";
  CHECK(scenario(imported(laughs + sample("a6000"))).cluster.gpus == 4);
  CHECK(has(refusal(laughs + replaced(sample("a6000"), "sm=\"86\"", "sm=\"&b;\"")), "is '&b;'"));
}
