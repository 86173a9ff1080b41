// Chakra traces: what is written can be read back, is complete, and ends when it is replayed.
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "formats/format.hpp"
#include "scenarios/reader.hpp"
#include "scenarios/step_model.hpp"
#include "tests/formats/chakra_reader.hpp"
#include "tests/properties/compositions.hpp"

namespace {

using properties::Composition;

struct Export {
  std::vector<chakra::Trace> ranks;
  chakra::Groups groups;
  std::vector<formats::Note> notes;
};

Export exported(const scenarios::Scenario& scenario) {
  Export out;
  std::map<std::string, std::string> files;
  out.notes = formats::export_chakra(scenario, [&](const std::string& suffix, std::string content) {
    CHECK(files.emplace(suffix, std::move(content)).second);
  });
  for (std::int64_t r = 0; r < scenario.plan.world_size(); ++r) {
    out.ranks.push_back(chakra::read(files.at("." + std::to_string(r) + ".et")));
  }
  out.groups = nlohmann::json::parse(files.at(".groups.json")).get<chakra::Groups>();
  CHECK(files.size() == out.ranks.size() + 1);
  return out;
}

constexpr std::uint64_t kLoad = 2, kStore = 3, kCompute = 4, kSend = 5, kReceive = 6,
                        kCollective = 7;
constexpr std::uint64_t kAllReduce = 0, kAllGather = 2;

std::vector<Composition> small_compositions() {
  std::vector<Composition> out;
  for (Composition& each : properties::compositions()) {
    if (each.gpus <= 64) out.push_back(std::move(each));
  }
  out.push_back({"dualpipe", 16, "{pp: 4, schedule: dualpipe}"});
  out.push_back({"offload", 8, "{zero: 2, offload: {optimizer: 1, activations: 1}}"});
  return out;
}

double bytes_of(const scenarios::Scenario& scenario, strategies::OpKind kind) {
  const auto step = scenarios::build_step(scenario);
  double total = 0.0;
  for (const auto& program : step->programs) {
    for (const strategies::Op& op : program.ops()) {
      if (op.kind == kind && !strategies::is_with_host(op.group)) total += op.bytes.as_double();
    }
  }
  return total * static_cast<double>(step->plan.world_size() / step->plan.pp);
}

}  // namespace

TEST_CASE("Chakra: operations follow what they wait for, and durations sum to the compute") {
  for (const Composition& each : small_compositions()) {
    CAPTURE(each.name);
    const scenarios::Scenario scenario = properties::read(each);
    const Export out = exported(scenario);
    const auto step = scenarios::build_step(scenario);
    const strategies::Mesh mesh = strategies::dense_mesh(step->plan);
    for (std::size_t r = 0; r < out.ranks.size(); ++r) {
      const auto stage = mesh.coordinate(static_cast<std::int64_t>(r), strategies::Axis::pp);
      double seconds = 0.0;
      for (const auto& op : step->programs[static_cast<std::size_t>(stage)].ops()) {
        if (op.kind == strategies::OpKind::compute) seconds += op.duration.seconds();
      }
      CHECK(out.ranks[r].version == "0.0.4");
      std::uint64_t before = 0, microseconds = 0;
      bool ordered = true;
      for (const chakra::Node& node : out.ranks[r].nodes) {
        ordered = ordered && node.id == before + 1;
        for (const std::uint64_t id : node.before) ordered = ordered && id > 0 && id < node.id;
        before = node.id;
        if (node.number("is_cpu_op") == 0) microseconds += node.duration;
      }
      CHECK(ordered);
      CHECK(std::abs(static_cast<double>(microseconds) - seconds * 1e6) <= 1.0);
    }
  }
}

TEST_CASE("Chakra: members of a group issue the same collectives in the same order") {
  for (const Composition& each : small_compositions()) {
    CAPTURE(each.name);
    const scenarios::Scenario scenario = properties::read(each);
    const Export out = exported(scenario);
    using Call = std::pair<std::uint64_t, std::uint64_t>;
    std::map<std::string, std::map<std::int64_t, std::vector<Call>>> calls;
    double bytes = 0.0, rounding = 0.0;
    for (std::size_t r = 0; r < out.ranks.size(); ++r) {
      for (const chakra::Node& node : out.ranks[r].nodes) {
        if (node.type != kCollective) continue;
        const std::string& group = node.texts.at("pg_name");
        const std::uint64_t size = node.number("comm_size");
        calls[group][static_cast<std::int64_t>(r)].emplace_back(node.number("comm_type"), size);
        const bool shard = node.number("comm_type") == kAllGather;
        const auto members = static_cast<double>(out.groups.at(group).size());
        bytes += static_cast<double>(size) * (shard ? members : 1.0);
        rounding += shard ? members : 0.0;
      }
    }
    for (const auto& [group, of_rank] : calls) {
      CAPTURE(group);
      std::vector<std::int64_t> members;
      for (const auto& [rank, sequence] : of_rank) {
        members.push_back(rank);
        CHECK(sequence == of_rank.begin()->second);
      }
      std::vector<std::int64_t> expected = out.groups.at(group);
      std::sort(expected.begin(), expected.end());
      CHECK(members == expected);
    }
    CHECK(calls.size() == out.groups.size());
    const double carried = bytes_of(scenario, strategies::OpKind::collective);
    CHECK(bytes >= carried * (1.0 - 1e-12));
    CHECK(bytes <= carried + rounding);
  }
}

TEST_CASE("Chakra: compute, and the collectives of a group, wait for the one before") {
  for (const Composition& each :
       {Composition{"tp dp", 8, "{tp: 4, sequence_parallel: true}"},
        Composition{"zero3", 8, "{zero: 3}"},
        Composition{"interleaved", 8, "{pp: 4, vpp: 2, schedule: interleaved, zero: 1}"}}) {
    CAPTURE(each.name);
    const Export out = exported(properties::read(each));
    const std::vector<chakra::Node>& nodes = out.ranks.back().nodes;
    std::vector<std::vector<bool>> waits_for;  // directly or not
    std::map<std::string, std::size_t> last;
    bool in_order = true;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      std::vector<bool> all(nodes.size());
      for (const std::uint64_t id : nodes[i].before) {
        all[id - 1] = true;
        for (std::size_t j = 0; j < id - 1; ++j) all[j] = all[j] || waits_for[id - 1][j];
      }
      if (nodes[i].type == kCompute || nodes[i].type == kCollective) {
        const bool computes = nodes[i].type == kCompute;
        const std::string queue = computes ? "compute" : nodes[i].texts.at("pg_name");
        const auto [previous, first] = last.try_emplace(queue, i);
        if (!first) in_order = in_order && all[previous->second];
        previous->second = i;
      }
      waits_for.push_back(std::move(all));
    }
    CHECK(in_order);
    CHECK(last.size() >= 2);
  }
}

TEST_CASE("Chakra: offloading stores, updates on the host and loads as many bytes") {
  const scenarios::Scenario scenario =
      properties::read({"offload", 8, "{zero: 2, offload: {optimizer: 1, activations: 1}}"});
  const Export out = exported(scenario);
  std::map<std::uint64_t, double> moved;
  std::uint64_t on_host = 0;
  for (const chakra::Node& node : out.ranks[5].nodes) {
    if (node.type == kLoad || node.type == kStore)
      moved[node.type] += static_cast<double>(node.number("tensor_size"));
    if (node.number("is_cpu_op") != 0) on_host += node.duration;
  }
  double down = 0.0, up = 0.0;
  const auto step = scenarios::build_step(scenario);
  for (const strategies::Op& op : step->programs.front().ops()) {
    if (op.kind != strategies::OpKind::collective) continue;
    if (op.group == strategies::GroupKind::to_host) down += op.bytes.as_double();
    if (op.group == strategies::GroupKind::from_host) up += op.bytes.as_double();
  }
  CHECK(down > 0.0);
  CHECK(moved[kStore] == down);
  CHECK(moved[kLoad] == up);
  CHECK(on_host > 0);
  CHECK(out.notes.size() == 2);
}

TEST_CASE("Chakra: every message is sent once and received once") {
  for (const Composition& each : small_compositions()) {
    CAPTURE(each.name);
    const scenarios::Scenario scenario = properties::read(each);
    const Export out = exported(scenario);
    using Message = std::array<std::uint64_t, 4>;
    std::multiset<Message> sent, received;
    double bytes = 0.0;
    for (std::size_t r = 0; r < out.ranks.size(); ++r) {
      for (const chakra::Node& node : out.ranks[r].nodes) {
        if (node.type != kSend && node.type != kReceive) continue;
        const Message message{node.number("comm_src"), node.number("comm_dst"),
                              node.number("comm_tag"), node.number("comm_size")};
        CHECK(message[node.type == kSend ? 0 : 1] == r);
        (node.type == kSend ? sent : received).insert(message);
        if (node.type == kSend) bytes += static_cast<double>(message[3]);
      }
    }
    CHECK(sent == received);
    CHECK(std::set<Message>(sent.begin(), sent.end()).size() == sent.size());
    CHECK(bytes == bytes_of(scenario, strategies::OpKind::send));
  }
}

TEST_CASE("Chakra: replayed by the rules of ASTRA-sim, every rank comes to its end") {
  for (const Composition& each : small_compositions()) {
    CAPTURE(each.name);
    const Export out = exported(properties::read(each));
    CHECK(chakra::replay(out.ranks, out.groups, false).empty());
    CHECK(chakra::replay(out.ranks, out.groups, true).empty());
  }
}

TEST_CASE("Chakra: gradients and pipeline messages have the bytes that their papers say") {
  const scenarios::Scenario ddp = properties::read({"ddp", 16, "{dp: 16, zero: 0}"});
  const Export replicas = exported(ddp);
  double reduced = 0.0;
  for (const chakra::Node& node : replicas.ranks[0].nodes) {
    if (node.type == kCollective && node.number("comm_type") == kAllReduce)
      reduced += static_cast<double>(node.number("comm_size"));
  }
  const auto parameters = static_cast<double>(models::count_parameters(ddp.model).total);
  CHECK(reduced == Approx(4.0 * parameters).epsilon(1e-6));  // fp32
  // Each boundary: an activation forward, its gradient back; 2 bytes x tokens x hidden.
  const scenarios::Scenario pipeline = properties::read({"pp", 8, "{pp: 8}"});
  const Export stages = exported(pipeline);
  double sent = 0.0;
  for (const chakra::Trace& rank : stages.ranks) {
    for (const chakra::Node& node : rank.nodes) {
      if (node.type == kSend) sent += static_cast<double>(node.number("comm_size"));
    }
  }
  CHECK(sent == 7.0 * 2.0 * 64.0 * 2.0 * 2048.0 * 2048.0);
}

TEST_CASE("Chakra: a slow rank takes longer, and what is left out is said") {
  scenarios::Scenario scenario = properties::read({"ddp", 8, "{dp: 8}"});
  scenario.faults.slow_ranks.push_back({3, 2.0});
  scenario.faults.jitter = 0.01;
  const Export out = exported(scenario);
  const auto total = [&](std::size_t rank) {
    double sum = 0.0;
    for (const chakra::Node& node : out.ranks[rank].nodes) {
      sum += static_cast<double>(node.duration);
    }
    return sum;
  };
  CHECK(total(3) == Approx(2.0 * total(0)).epsilon(1e-4));
  REQUIRE(out.notes.size() == 2);
  CHECK(out.notes[1].text.find("faults.jitter") != std::string::npos);
}

TEST_CASE("Chakra: more than anybody replays is refused before a file is written") {
  const scenarios::Scenario scenario =
      properties::read({"large", 16384, "{tp: 8, sequence_parallel: true, pp: 16}",
                        "{layers: 128, hidden: 2048, heads: 16, ffn: 5632, vocab: 32000}",
                        "seq_len: 2048, global_batch: 32768, micro_batch: 1", "preset: dgx-h100"});
  try {
    formats::export_chakra(scenario, [](const std::string&, std::string) { FAIL("written"); });
    FAIL("it was exported");
  } catch (const scenarios::ScenarioError& error) {
    CHECK(error.kind() == scenarios::ErrorKind::limit);
    CHECK(error.diagnostics().front().message.find("16384 ranks") != std::string::npos);
    CHECK(error.diagnostics().front().hint.find("cluster.gpus") != std::string::npos);
  }
}
