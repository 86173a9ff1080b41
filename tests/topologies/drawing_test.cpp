#include "topologies/drawing.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <sstream>

#include "specs.hpp"

using namespace topologies;
using namespace topologies::testing;

namespace {

std::size_t occurrences(const std::string& text, const std::string& of) {
  std::size_t count = 0;
  for (std::size_t at = text.find(of); at != std::string::npos; at = text.find(of, at + 1)) ++count;
  return count;
}

std::string dot(const ClusterSpec& spec) {
  std::ostringstream out;
  write_dot(build_machine(spec), out);
  return out.str();
}

}  // namespace

TEST_CASE("DOT has a box a server, every vertex and every pair of links once") {
  const ClusterSpec spec = h100(16, FabricShape::fat_tree, 1);
  const std::string text = dot(spec);
  CHECK(occurrences(text, "subgraph cluster_node") == 2);
  CHECK(occurrences(text, " -- ") == build_machine(spec).links.size() / 2);
  CHECK(occurrences(text, "\"node1/nic3\" [shape=house]") == 1);
  CHECK(text.find("\"leaf0\" -- \"spine0\" [label=\"400 GB/s\"]") != std::string::npos);
  CHECK(occurrences(text, "{") == occurrences(text, "}"));
}

TEST_CASE("DOT escapes names that a user chose") {
  ClusterSpec spec = h100(2, FabricShape::fat_tree, 1);
  spec.name = "my \"big\"\n\\cluster";
  CHECK(dot(spec).find("graph \"my \\\"big\\\" \\\\cluster\" {") == 0);
}

TEST_CASE("The text tree draws equal branches once, with their number") {
  ClusterSpec spec = llama3(24576);
  CHECK(text_tree(build_machine(spec)) ==
        "llama3: 24,576 devices\n"
        "core0\n"
        "└─ 8 x spine, 21.94 TB/s, 0.6 us\n"
        "   └─ 192 x leaf, 800 GB/s, 0.6 us\n"
        "      └─ 16 x nic, 50 GB/s, 1.25 us\n"
        "node0/cpu0\n"
        "└─ 2 x pcie, 51 GB/s, 0.2735 us\n"
        "   ├─ 2 x gpu, 51 GB/s, 0 us\n"
        "   └─ 2 x nic, 50 GB/s, 0 us\n"
        "gpu0\n"
        "└─ 1 x nvswitch, 450 GB/s, 0.3005 us\n");
}

TEST_CASE("The text tree of a torus shows the links of a device") {
  const std::string text = text_tree(build_machine(tpu({4, 4, 4})));
  CHECK(text.find("gpu0\n└─ 6 x gpu, 50 GB/s, 1 us\n") != std::string::npos);
  CHECK(text.find("leaf") == std::string::npos);
}

TEST_CASE("Rates and latencies read well") {
  CHECK(rate_text(sim::Bandwidth::gb_per_s(450)) == "450 GB/s");
  CHECK(rate_text(sim::Bandwidth::gb_per_s(21942.857)) == "21.94 TB/s");
  CHECK(rate_text(sim::Bandwidth{2.5e8}) == "250 MB/s");
  CHECK(rate_text(sim::Bandwidth{1.1e15}) == "1.1 PB/s");
  CHECK(latency_text(sim::Time::ns(600)) == "0.6 us");
}
