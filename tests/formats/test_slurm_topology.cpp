// Slurm's topology.conf as a network, and its lists of names.
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "formats/format.hpp"
#include "formats/hostlist.hpp"
#include "scenarios/reader.hpp"

namespace {

using formats::expand_hostlist;
using Names = std::vector<std::string>;

std::string sample() {
  std::ifstream file(std::string(STEPCAST_SOURCE_DIR) + "/tests/formats/data/slurm_topology.conf");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

formats::Imported imported(const std::string& text, const std::string& cluster = "dgx-a100") {
  return formats::import_slurm_topology({"topology.conf", text, cluster, 0});
}

topologies::ClusterSpec cluster(const formats::Imported& from) {
  return scenarios::read_scenario_text(from.scenario, "imported").cluster;
}

std::string refusal(const std::string& text) {
  try {
    imported(text);
  } catch (const scenarios::ScenarioError& error) {
    return error.what();
  }
  return "it was read";
}

std::string notes(const formats::Imported& from) {
  std::string out;
  for (const formats::Note& note : from.notes) out += note.text + "\n";
  return out;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("Slurm: a list of names stands for all of them, with their zeros") {
  CHECK(expand_hostlist("login1") == Names{"login1"});
  CHECK(expand_hostlist("tux[0-2,12]") == Names{"tux0", "tux1", "tux2", "tux12"});
  CHECK(expand_hostlist("a[08-10],b") == Names{"a08", "a09", "a10", "b"});
  CHECK(expand_hostlist("r[1-2]n[3,4]x") == Names{"r1n3x", "r1n4x", "r2n3x", "r2n4x"});
}

TEST_CASE("Slurm: lists that are none, or stand for too many names, are refused at once") {
  for (const char* wrong :
       {"", "a,", "a[", "a]", "a[1-", "a[x]", "a[3-1]", "a[]", "a[[1]]", "n[0-999999999]",
        "n[0-99999999999999999999]", "a[1-1000]b[1-1000]", "n[0-60000],m[0-60000]"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(expand_hostlist(wrong), std::invalid_argument);
  }
  CHECK_THROWS_AS(expand_hostlist(std::string(1'000'000, 'a') + "[0-99999]"),
                  std::invalid_argument);
}

TEST_CASE("Slurm: three levels of switches are leaves and pods of servers") {
  const formats::Imported from = imported(sample());
  const topologies::ClusterSpec spec = cluster(from);
  CHECK(spec.gpus == (16 + 16 + 16 + 15) * 8);
  CHECK(spec.nodes_per_leaf == 16);
  // Of DGX A100, with rails: each of the two units of a pod has a leaf a port.
  CHECK(spec.leaves_per_pod == 2 * spec.nics_per_node);
  CHECK(has(notes(from), "leaves have 15 to 16 servers: taken as 16"));
  CHECK(has(notes(from), "LinkSpeed"));
  CHECK(cluster(imported(sample(), "p4d")).leaves_per_pod == 2);
}

TEST_CASE("Slurm: two levels, one switch, and blocks") {
  const topologies::ClusterSpec two = cluster(imported(
      "SwitchName=a Nodes=n[1-4]\nSwitchName=b Nodes=n[5-8]\nSwitchName=t Switches=a,b\n"));
  CHECK(two.nodes_per_leaf == 4);
  CHECK(two.leaves_per_pod == 0);
  const topologies::ClusterSpec one = cluster(imported("SwitchName=a Nodes=n[1-4]\n"));
  CHECK(one.fabric == topologies::FabricShape::single_switch);
  const topologies::ClusterSpec blocks = cluster(
      imported("BlockName=b1 Nodes=n[01-18]\nBlockName=b2 Nodes=n[19-36]\nBlockSizes=18,36\n"));
  CHECK(blocks.nodes_per_leaf == 18);
  CHECK(blocks.gpus == 36 * 8);
  CHECK(has(notes(imported(sample(), "")), "assumed to be dgx-h100"));
}

TEST_CASE("Slurm: what is no tree of switches is refused at its place") {
  CHECK(has(refusal(""), "topology.conf:1:1: error: there is no SwitchName="));
  CHECK(has(refusal("SwitchName=a Nodes=n1\nhello\n"), "topology.conf:2:1: error: 'hello' is no"));
  CHECK(has(refusal("SwitchName=a Nodes=n[1-\n"), ":1:14: error: 'n[1-': there is a [ without"));
  CHECK(has(refusal("SwitchName=a Nodes=n[0-999999999]\n"), "more than 100000 names"));
  CHECK(has(refusal("SwitchName=a Nodes=n1\nSwitchName=t Switches=a,b\n"),
            ":2:14: error: there is no switch b"));
  CHECK(has(refusal("SwitchName=a Nodes=n1\nSwitchName=a Nodes=n2\n"),
            ":2:1: error: a is there twice"));
  CHECK(has(refusal("SwitchName=a Nodes=n1 Speed=4\n"), ":1:23: error: speed= is not known"));
  CHECK(has(refusal("SwitchName=a\n"), "a has both or none of nodes and switches"));
  CHECK(has(refusal("SwitchName=a Nodes=n1\nSwitchName=b Switches=a,c\nSwitchName=c Switches=b\n"),
            "is above itself, or below more than"));
  CHECK(has(refusal("SwitchName=a Nodes=n1\nSwitchName=b Switches=a\nSwitchName=c Switches=a\n"),
            ":3:14: error: a is below b too"));
  CHECK(has(refusal("SwitchName=a Switches=a\n"), "a is above itself, or below more than"));
  CHECK(has(refusal("SwitchName=a Switches=b\nSwitchName=b Switches=a\nSwitchName=l Nodes=n1\n"),
            "is above itself, or below more than"));
}
