// The critical path covers the step.
#include <catch2/catch.hpp>

#include "scenarios/critical_path.hpp"
#include "support.hpp"

using namespace scenarios;

TEST_CASE("the parts of the critical path add up to the step time, without a bubble") {
  for (const char* file : {"zero-bubble-14b.yaml", "fsdp-llama2-7b.yaml", "nanotron-1b.yaml"}) {
    CAPTURE(file);
    const Scenario scenario = read_scenario((support::source_dir() / "scenarios" / file).string());
    const Breakdown path = critical_path(scenario);
    const sim::Time sum = path.compute + path.recompute + path.optimizer + path.exposed_tp +
                          path.exposed_cp + path.exposed_ep + path.exposed_pp + path.exposed_dp +
                          path.other;
    CHECK(sum == predict(scenario).step_time);
    CHECK(path.bubble == sim::Time::zero());
    CHECK(path.compute > sim::Time::zero());
  }
}
