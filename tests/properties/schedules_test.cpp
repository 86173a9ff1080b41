// Every pipeline schedule from scenario to report.
#include <catch2/catch.hpp>

#include "compositions.hpp"
#include "scenarios/report.hpp"
#include "strategies/schedule.hpp"

using namespace properties;

namespace {

const char* const kMoe =
    "{layers: 8, hidden: 1024, heads: 16, kv_heads: 8, ffn: 2816, vocab: 4096, "
    "moe: {experts: 8, top_k: 2, ffn: 1408}}";

scenarios::Scenario with(const std::string& strategy, const std::string& implementation,
                         const std::string& model =
                             "{layers: 16, hidden: 2048, heads: 16, "
                             "ffn: 8192, gated_mlp: false, vocab: 128}") {
  return read({"schedule", 4, strategy, model, "seq_len: 8192, global_batch: 16, micro_batch: 1",
               "preset: dgx-h100", implementation});
}

// The fewest chunks a schedule takes.
std::int64_t chunks_of(const strategies::ScheduleGenerator& generator) {
  const bool two = generator.name == "interleaved" || !generator.problem({4, 1, 16, 0}).empty();
  return two ? 2 : 1;
}

}  // namespace

TEST_CASE("every schedule runs, keeps the laws and folds exactly") {
  for (const auto& generator : strategies::schedules()) {
    for (const char* implementation : {"ideal", "megatron-core"}) {
      INFO(generator.name << ", " << implementation);
      auto scenario = read({"schedule", 16,
                            fmt::format("{{pp: 4, ep: 2, zero: 1, vpp: {}, schedule: {}}}",
                                        chunks_of(generator), generator.name),
                            kMoe, "seq_len: 1024, global_batch: 64, micro_batch: 1",
                            "preset: dgx-a100", implementation});
      scenarios::PredictOptions options;
      options.verify = true;
      const auto report = scenarios::predict(scenario, options);
      CHECK(report.mfu > 0.0);
      CHECK(report.mfu < 1.0);
      options.fold = false;
      CHECK(scenarios::predict(scenario, options).step_time == report.step_time);
    }
  }
}

TEST_CASE("split backwards pay: ZB-H2 is no slower than ZB-H1, ZB-H1 than 1F1B") {
  for (const char* implementation : {"ideal", "megatron-core"}) {
    const auto step = [&](const char* schedule) {
      return scenarios::predict(
                 with(fmt::format("{{pp: 4, schedule: {}}}", schedule), implementation))
          .step_time;
    };
    CHECK(step("zb-h1") < step("1f1b"));
    CHECK(step("zb-h2") <= step("zb-h1"));
  }
}

TEST_CASE("memory of activations: ZB-H1 as 1F1B, ZB-H2 more, GPipe most") {
  const auto activations = [](const char* schedule) {
    const auto report =
        scenarios::predict(with(fmt::format("{{pp: 4, schedule: {}}}", schedule), "ideal"));
    return report.stages[0]
        .categories[static_cast<std::size_t>(sim::MemoryCategory::activations)]
        .count();
  };
  CHECK(activations("zb-h1") == activations("1f1b"));
  CHECK(activations("zb-h2") * 4 == activations("1f1b") * 7);  // 2p - 1 against p
  CHECK(activations("gpipe") == activations("1f1b") * 4);      // m against p
}

TEST_CASE("DualPipe hides exchanges of tokens that 1F1B waits for") {
  const auto exposed = [](const char* schedule) {
    const auto report = scenarios::predict(
        read({"hidden", 8, fmt::format("{{pp: 4, ep: 2, schedule: {}}}", schedule), kMoe,
              "seq_len: 1024, global_batch: 64, micro_batch: 1", "preset: dgx-a100", "ideal"}));
    return report.breakdown.exposed_ep.seconds();
  };
  CHECK(exposed("1f1b") > 0.0);
  CHECK(exposed("dualpipe") < 0.7 * exposed("1f1b"));
}
