// What torch's debug checks cost: hosts that compare every collective before it.
#include <catch2/catch.hpp>

#include <string>

#include "compositions.hpp"
#include "scenarios/report.hpp"

using namespace properties;

namespace {

// Seconds of a step of a model so small that the host is all that counts.
double step(const std::string& when, const std::string& strategy, int gpus, int global_batch) {
  const Composition c{"checks",
                      gpus,
                      strategy,
                      "{layers: 4, hidden: 512, heads: 16, kv_heads: 16, ffn: 2048, vocab: 8192}",
                      fmt::format("seq_len: 128, micro_batch: 1, global_batch: {}", global_batch),
                      "preset: dgx-h100",
                      "{base: nanotron, peer_launch: 10 ms, inter_node_peer_launch: 40 ms, "
                      "peer_launches: " +
                          when + "}"};
  return scenarios::predict(read(c)).step_time.seconds();
}

}  // namespace

TEST_CASE("a host checks every collective with each member\\, one after the other") {
  const std::string strategy = "{tp: 8, sequence_parallel: false}";
  const double one = step("always", strategy, 8, 1) - step("never", strategy, 8, 1);
  const double two = step("always", strategy, 8, 2) - step("never", strategy, 8, 2);
  // Two all-reduces forward and two backward of each of 4 layers, one of the embedding, three of
  // the loss, one of the head's input gradient.
  CHECK(one == Approx(21 * 8 * 0.010).epsilon(0.02));
  CHECK(two == Approx(2.0 * one).epsilon(0.02));
}

TEST_CASE("checks over several nodes take longer for each member") {
  const std::string strategy = "{tp: 16, sequence_parallel: false}";
  const double checks = step("always", strategy, 16, 1) - step("never", strategy, 16, 1);
  CHECK(checks == Approx(21 * 16 * 0.040).epsilon(0.02));
}

TEST_CASE("checks of pipelines are those of stages over several nodes") {
  const auto extra = [](const char* strategy, int gpus) {
    return step("pipelines", strategy, gpus, 4) - step("never", strategy, gpus, 4);
  };
  CHECK(extra("{tp: 8, pp: 2}", 16) > 1.0);
  CHECK(extra("{tp: 4, pp: 2}", 8) == 0.0);
  CHECK(extra("{tp: 8, dp: 2}", 16) == 0.0);
  CHECK(step("pipelines", "{tp: 8, pp: 2}", 16, 4) == step("always", "{tp: 8, pp: 2}", 16, 4));
}

TEST_CASE("gathers around which the host waits cannot be hidden under compute") {
  const auto seconds = [](const char* waits) {
    const Composition c{
        "gathers",
        16,
        "{dp: 16, zero: 3}",
        "{layers: 8, hidden: 4096, heads: 32, kv_heads: 32, ffn: 16384, vocab: 8192}",
        "seq_len: 2048, micro_batch: 2, global_batch: 32",
        "preset: dgx-a100",
        fmt::format("{{base: deepspeed, gather_synchronises: {}}}", waits)};
    const scenarios::Breakdown parts = scenarios::predict(read(c)).breakdown;
    return (parts.exposed_dp + parts.other).seconds();
  };
  CHECK(seconds("true") > 1.5 * seconds("false"));
}
