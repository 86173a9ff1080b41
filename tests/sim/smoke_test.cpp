#include <catch2/catch.hpp>

#include "sim/simulate.hpp"

TEST_CASE("an empty graph takes no time") {
  for (const auto fidelity : {sim::Fidelity::analytic, sim::Fidelity::flow}) {
    const sim::Timeline timeline = sim::simulate({}, {}, {.fidelity = fidelity, .check_laws = true});
    CHECK(timeline.makespan == sim::Time::zero());
    CHECK(timeline.events == 0);
  }
}
