// Folded = unfolded, to the picosecond, on every composition; and what stops a fold.
#include <catch2/catch.hpp>

#include "compositions.hpp"
#include "scenarios/report.hpp"

using namespace properties;

namespace {

// The step, which has to be the same with every rank simulated as with one a class.
scenarios::Report same_folded(const scenarios::Scenario& scenario) {
  const auto folded = scenarios::predict(scenario);
  scenarios::PredictOptions options;
  options.fold = false;
  CHECK(folded.step_time == scenarios::predict(scenario, options).step_time);
  return folded;
}

}  // namespace

TEST_CASE("folding changes nothing but the number of simulated ranks") {
  for (const Composition& composition : compositions()) {
    for (const char* fidelity : {"analytic", "flow"}) {
      INFO(composition.name << ", " << fidelity);
      const auto scenario = read(composition);
      scenarios::PredictOptions options;
      options.fidelity = fidelity;
      const auto folded = scenarios::predict(scenario, options);
      options.fold = false;
      const auto full = scenarios::predict(scenario, options);
      CHECK(folded.step_time == full.step_time);
      CHECK(folded.breakdown.compute == full.breakdown.compute);
      CHECK(folded.breakdown.bubble == full.breakdown.bubble);
      CHECK(folded.fold.ranks_simulated <= full.fold.ranks_simulated);
      CHECK(full.fold.ranks_simulated == composition.gpus);
    }
  }
}

TEST_CASE("folding is exact where hosts wait for messages, whichever rank comes first") {
  for (const char* profile : {"megatron-lm-2021", "deepspeed", "internevo", "nanotron"}) {
    for (const char* cluster : {"preset: dgx1-v100", "preset: dgx-b200", "preset: pcie-box"}) {
      INFO(profile << ", " << cluster);
      const auto scenario =
          read({"waits", 16, "{pp: 2, cp: 2, dp: 4, zero: 3}",
                "{layers: 8, hidden: 1024, heads: 16, kv_heads: 8, ffn: 2816, vocab: 32000}",
                "seq_len: 1024, global_batch: 64, micro_batch: 4", cluster, profile});
      same_folded(scenario);
    }
  }
}

TEST_CASE("equal replicas fold to one rank a stage") {
  const auto report =
      scenarios::predict(read({"3d", 128, "{tp: 8, sequence_parallel: true, pp: 4, zero: 1}"}));
  CHECK(report.fold.ranks_simulated == 4);
  CHECK(report.fold.certificate == "128 ranks -> 4 classes, exact");
}

TEST_CASE("a slow rank splits the classes by itself, and still folds exactly") {
  auto scenario = read({"straggler", 64, "{zero: 1}"});
  const auto even = scenarios::predict(scenario);
  scenario.faults.slow_ranks.push_back({13, 1.3});
  const auto folded = same_folded(scenario);
  CHECK(folded.step_time > even.step_time);
  CHECK(folded.fold.ranks_simulated > 1);
  CHECK(folded.fold.ranks_simulated < 64);
}

TEST_CASE("a slow link hurts and folds exactly") {
  auto scenario = read({"slow link", 32, "{tp: 8, sequence_parallel: true, zero: 1}"});
  const auto even = scenarios::predict(scenario);
  scenario.faults.slow_links.push_back({"node1/nic*->leaf*", 20.0});
  const auto folded = same_folded(scenario);
  CHECK(folded.step_time > even.step_time);
}

TEST_CASE("noise on every rank leaves nothing to fold") {
  auto scenario = read({"noise", 16, "{dp: 16}"});
  scenario.faults.jitter = 0.05;
  const auto report = scenarios::predict(scenario);
  CHECK(report.fold.ranks_simulated == 16);
  CHECK_FALSE(report.fold.folded);
}
