// Laws that hold for every composition of strategies.
#include <catch2/catch.hpp>

#include "compositions.hpp"
#include "scenarios/report.hpp"
#include "scenarios/step_model.hpp"

using namespace properties;

namespace {

sim::Time sum(const scenarios::Breakdown& b) {
  return b.compute + b.recompute + b.optimizer + b.exposed_tp + b.exposed_cp + b.exposed_ep +
         b.exposed_pp + b.exposed_dp + b.bubble + b.other;
}

}  // namespace

TEST_CASE("the engine's own laws hold, and the breakdown adds up to the step") {
  for (const Composition& composition : compositions()) {
    INFO(composition.name);
    scenarios::PredictOptions options;
    options.verify = true;
    const auto report = scenarios::predict(read(composition), options);
    CHECK(sum(report.breakdown) == report.step_time);
    CHECK(report.mfu > 0.0);
    CHECK(report.mfu < 1.0);
    CHECK(report.bubble_fraction >= 0.0);
  }
}

TEST_CASE("sharing links and interference never make a step of fixed order faster") {
  for (const Composition& composition : compositions()) {
    INFO(composition.name);
    scenarios::PredictOptions options;
    options.fidelity = "analytic";
    const auto quiet = scenarios::predict(read(composition), options);
    options.fidelity = "flow";
    const auto shared = scenarios::predict(read(composition), options);
    CHECK(shared.step_time.seconds() >= quiet.step_time.seconds() * (1.0 - 1e-9));
  }
}

TEST_CASE("memory never grows with the ZeRO stage") {
  sim::Bytes before{INT64_MAX};
  for (int zero : {0, 1, 2, 3}) {
    const auto report =
        scenarios::predict(read({"zero", 16, fmt::format("{{zero: {}}}", zero),
                                 "{layers: 8, hidden: 2048, heads: 16, ffn: 5632, vocab: 32000}",
                                 "seq_len: 1024, global_batch: 16, micro_batch: 1"}));
    CHECK(report.stages[0].allocated < before);
    before = report.stages[0].allocated;
  }
}

TEST_CASE("1F1B with ideal links and no message cost has exactly the bubble of the formula") {
  // (m + p - 1)(tf + tb) on stages of equal cost: measured against one micro-batch more.
  const auto step = [](std::int64_t micro_batches) {
    auto scenario =
        read({"bubble", 4, "{pp: 4}", "{layers: 8, hidden: 2048, heads: 16, ffn: 5632, vocab: 128}",
              fmt::format("seq_len: 1024, global_batch: {}, micro_batch: 1", micro_batches),
              "preset: dgx-h100", "ideal"});
    return scenarios::predict(scenario);
  };
  const auto eight = step(8);
  const auto nine = step(9);
  const double slot = (nine.step_time - eight.step_time).seconds();
  CHECK(eight.bubble_fraction * eight.step_time.seconds() ==
        Approx(3.0 * slot).epsilon(0.02));  // embedding and head make the ends a little slower
}

TEST_CASE("predicting twice gives the same picosecond") {
  for (const Composition& composition : compositions()) {
    const auto scenario = read(composition);
    CHECK(scenarios::predict(scenario).step_time == scenarios::predict(scenario).step_time);
  }
}

TEST_CASE("no step is shorter than what a host has to issue for it") {
  // Messages that have long arrived do not set the clock of a host back that waits for them.
  for (const char* profile : {"nanotron", "megatron-deepspeed", "deepspeed", "torchtitan"}) {
    for (const char* strategy : {"{pp: 4}", "{pp: 4, schedule: gpipe}", "{tp: 2, pp: 2}"}) {
      INFO(profile << " " << strategy);
      const auto scenario =
          read({"host", 8, strategy,
                "{layers: 8, hidden: 512, heads: 8, kv_heads: 8, ffn: 2048, vocab: 8192}",
                "seq_len: 128, micro_batch: 1, global_batch: 32", "preset: dgx-h100", profile});
      const auto model = scenarios::build_step(scenario, 1);
      sim::Time longest;
      for (const strategies::Program& program : model->programs) {
        sim::Time host;
        for (const strategies::Op& op : program.ops()) host += op.host;
        longest = std::max(longest, host);
      }
      CHECK(longest > sim::Time::us(10000));
      CHECK(scenarios::predict(scenario).step_time >= longest);
    }
  }
}
