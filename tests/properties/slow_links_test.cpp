// Links declared slow, and links that groups share: what a step may not take less than.
#include <catch2/catch.hpp>

#include <map>

#include "compositions.hpp"
#include "scenarios/network.hpp"
#include "scenarios/prediction_cache.hpp"
#include "scenarios/report.hpp"
#include "strategies/transfer_price.hpp"
#include "topologies/layout.hpp"

namespace {

using properties::Composition;
using scenarios::Scenario;

double seconds(const Scenario& scenario, const char* fidelity) {
  scenarios::PredictOptions options;
  options.fidelity = fidelity;
  options.verify = true;
  return scenarios::predict(scenario, options).step_time.seconds();
}

// Almost all of the step is communication: inside nodes over slow ports, or between them.
Scenario bound(const char* strategy, std::int64_t gpus, const char* links) {
  Composition c{"bound", gpus, strategy};
  c.model = "{layers: 2, hidden: 8192, heads: 64, ffn: 28672, vocab: 32000}";
  c.training = "seq_len: 8192, global_batch: 16, micro_batch: 1";
  c.cluster = std::string("preset: dgx-a100, ") + links;
  return properties::read(c);
}

}  // namespace

TEST_CASE("a slow link makes what is bound by its bandwidth as many times slower") {
  const struct {
    const char* strategy;
    std::int64_t gpus;
    const char* links;
    const char* slow;
  } cases[] = {
      {"{tp: 8, dp: 1}", 8, "intra_node: {bandwidth: 1 GB/s}", "gpu0->node0/nvswitch0"},
      {"{tp: 8, dp: 1}", 8, "intra_node: {bandwidth: 1 GB/s}", "gpu*->node0/nvswitch0"},
      {"{tp: 8, dp: 1}", 8, "intra_node: {bandwidth: 1 GB/s}", "node*/nvswitch0->gpu3"},
      {"{dp: 16, zero: 1}", 16, "inter_node: {bandwidth: 1 Gb/s}", "node0/nic0->leaf0"},
      {"{dp: 16, zero: 0}", 16, "inter_node: {bandwidth: 1 Gb/s}", "leaf0->node1/nic*"},
  };
  for (const auto& c : cases) {
    INFO(c.strategy << ", " << c.slow);
    const Scenario sound = bound(c.strategy, c.gpus, c.links);
    Scenario slow = sound;
    slow.faults.slow_links = {{c.slow, 10.0}};
    for (const char* fidelity : {"analytic", "flow"}) {
      const double ratio = seconds(slow, fidelity) / seconds(sound, fidelity);
      CHECK(ratio > 9.0);
      CHECK(ratio < 10.5);
    }
  }
}

// What the members outside a node have of a buffer must come in through its NICs once, whatever
// the algorithm. Rounding of weights: 2^-20.
TEST_CASE("all-gathers put on the NICs of each node at least what must come in") {
  for (const char* preset :
       {"dgx1-v100", "dgx-a100", "dgx-h100", "frontier", "hgx-mi300x", "polaris"}) {
    for (const std::int64_t tp : {1, 2, 4}) {
      INFO(preset << ", tp " << tp);
      Composition c{"nics", 32, fmt::format("{{tp: {}, zero: 1}}", tp)};
      c.cluster = std::string("preset: ") + preset;
      const Scenario scenario = properties::read(c);
      scenarios::PredictionCache cache(scenario);
      const auto& machine = cache.machine();
      const auto fleet = cache.fleet(scenario, scenario.plan, false);
      strategies::Network network;
      network.machine = &machine;
      network.fabric = scenarios::fabric_of(scenario);
      network.library = scenarios::library_of(scenario);
      sim::TaskGraph graph;
      strategies::TransferPrices prices(*fleet, network, sim::Fidelity::flow, graph);
      std::map<sim::LinkId, double> carried;
      std::map<std::uint32_t, double> must;
      for (const strategies::Group& group : fleet->groups) {
        if (group.kind != strategies::GroupKind::shard) continue;
        strategies::Op op;
        op.kind = strategies::OpKind::collective;
        op.group = group.kind;
        op.collective = collectives::Kind::all_gather;
        op.bytes = sim::Bytes{std::int64_t{1} << 32};
        const sim::Transfer transfer = prices.transfer(group, op, 0.0);
        for (const sim::LinkUse& use : graph.link_uses(transfer.traffic)) {
          carried[use.link] += use.weight * transfer.bytes.as_double();
        }
        std::map<std::uint32_t, double> members;
        for (const std::int64_t m : group.members) {
          ++members[machine.devices[sim::DeviceId{static_cast<std::size_t>(m)}].node];
        }
        const auto all = static_cast<double>(group.members.size());
        for (const auto& [node, here] : members) {
          must[node] += op.bytes.as_double() * (all - here) / all;
        }
      }
      REQUIRE(must.size() > 1);
      for (const auto& [node, bytes] : must) {
        double in = 0.0;
        for (const auto link :
             topologies::find_links(machine, fmt::format("leaf*->node{}/nic*", node)))
          in += carried[link];
        INFO("node " << node);
        CHECK(in >= bytes * (1.0 - 1e-5));
      }
    }
  }
}

TEST_CASE("more bandwidth between the devices of a mesh does not slow a step") {
  for (const char* preset : {"frontier", "dgx1-v100"}) {
    double before = 1e9;
    for (const int times : {1, 2, 8}) {
      Composition c{"mesh", 32, "{tp: 2, dp: 16, zero: 1}"};
      c.cluster =
          fmt::format("preset: {}, intra_node: {{bandwidth: {} GB/s}}", preset, 150 * times);
      const double now = seconds(properties::read(c), "flow");
      INFO(preset << " x " << times << ": " << now << " after " << before);
      CHECK(now <= before * (1.0 + 1e-6));
      before = now;
    }
  }
}
