// Clusters as networks of ASTRA-sim.
#include <fmt/format.h>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "formats/format.hpp"
#include "scenarios/catalogue.hpp"
#include "scenarios/reader.hpp"

namespace {

struct Network {
  std::vector<std::string> topology;
  std::vector<std::int64_t> npus;
  std::vector<double> bandwidth, latency;
  std::string notes;
};

Network exported(const std::string& cluster) {
  const scenarios::Scenario scenario = scenarios::read_scenario_text(
      fmt::format("model: gpt2\ncluster: {{{}}}\nstrategy: {{zero: 1}}\n", cluster), "cluster");
  Network out;
  std::string text;
  const auto notes =
      formats::export_astra_network(scenario, [&](const std::string& suffix, std::string content) {
        CHECK(suffix.empty());
        text = std::move(content);
      });
  for (const formats::Note& note : notes) out.notes += note.text + "\n";
  const auto json = nlohmann::json::parse(text);
  json.at("topology").get_to(out.topology);
  json.at("npus_count").get_to(out.npus);
  json.at("bandwidth").get_to(out.bandwidth);
  json.at("latency").get_to(out.latency);
  return out;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

using Names = std::vector<std::string>;
using Counts = std::vector<std::int64_t>;
using Rates = std::vector<double>;

}  // namespace

TEST_CASE("ASTRA-sim's network: servers with NVSwitches, rails between them") {
  const Network one = exported("preset: dgx-h100, gpus: 8");
  CHECK(one.topology == Names{"Switch"});
  CHECK(one.npus == Counts{8});
  CHECK(one.bandwidth == Rates{450});
  CHECK(one.latency == Rates{300});
  const Network many = exported("preset: dgx-h100, gpus: 1024");
  CHECK(many.topology == Names{"Switch", "Switch"});
  CHECK(many.npus == Counts{8, 128});
  CHECK(many.bandwidth == Rates{450, 50});
  CHECK(many.latency == Rates{300, 750});
  CHECK(has(many.notes, "further hops"));
  CHECK(has(many.notes, "Congestion_Unaware"));
  CHECK(!has(exported("preset: dgx-h100, gpus: 64").notes, "further hops"));
}

TEST_CASE("ASTRA-sim's network: meshes, fewer ports than GPUs, racks and pairs") {
  const Network mesh = exported("preset: hgx-mi300x, gpus: 8");
  CHECK(mesh.topology == Names{"FullyConnected"});
  CHECK(mesh.bandwidth == Rates{64});
  const Network cube = exported("preset: dgx1-v100, gpus: 16");
  CHECK(cube.npus == Counts{8, 2});
  CHECK(cube.bandwidth[1] == 6.25);  // 4 ports of 12.5 GB/s
  CHECK(has(cube.notes, "cube mesh"));
  const Network rack = exported("preset: gb200-nvl72, gpus: 144");
  CHECK(rack.npus == Counts{72, 2});
  CHECK(rack.bandwidth == Rates{900, 50});
  const Network pairs = exported(
      "device: a6000, gpus: 8, gpus_per_node: 4, nvlink_domain: 2, "
      "intra_node: {type: nvlink_mesh, bandwidth: 56.25 GB/s, latency: 0.6 us}");
  CHECK(pairs.topology == Names{"FullyConnected", "Switch", "Switch"});
  CHECK(pairs.npus == Counts{2, 2, 2});
  CHECK(pairs.bandwidth[0] == 56.25);
  CHECK(pairs.bandwidth[1] == 26.2);
  CHECK(has(exported("preset: pcie-box, gpus: 8").notes, "are one switch"));
}

TEST_CASE("ASTRA-sim's network: a torus is rings") {
  const Network torus = exported("preset: tpu-v4-64");
  CHECK(torus.topology == Names{"Ring", "Ring", "Ring"});
  CHECK(torus.npus == Counts{4, 4, 4});
  CHECK(torus.bandwidth == Rates{50, 50, 50});
}

TEST_CASE("ASTRA-sim's network: every cluster of the catalogue, with as many GPUs as it has") {
  for (const std::string& name :
       scenarios::catalogue_names(scenarios::catalogue_folder({}), "clusters")) {
    CAPTURE(name);
    const Network network = exported("preset: " + name);
    std::int64_t product = 1;
    for (const std::int64_t members : network.npus) {
      CHECK(members > 1);
      product *= members;
    }
    CHECK(product > 1);
    for (const double rate : network.bandwidth) CHECK(rate > 0.0);
    for (const double latency : network.latency) CHECK(latency > 0.0);
    CHECK(network.topology.size() == network.npus.size());
  }
}

TEST_CASE("ASTRA-sim's network: what it has no words for is refused") {
  CHECK_THROWS_WITH(exported("preset: dgx-h100, gpus: 1"), Catch::Contains("one GPU"));
  CHECK_THROWS_WITH(exported("preset: gb200-nvl72, gpus: 100"),
                    Catch::Contains("no multiple of the 72") && Catch::Contains("144"));
}
