// Every shipped record is a valid scenario, and its prediction comes from the real simulator.
#include <catch2/catch.hpp>

#include "scenarios/reader.hpp"
#include "studies/validate.hpp"

using namespace studies;

TEST_CASE("every record that is run reads into a valid scenario") {
  const RecordSet set = load_records(default_records_folder());
  for (const Record& record : set.records) {
    if (record.use == Use::no) continue;
    INFO(record.source << " " << record.id);
    std::string reason;
    try {
      const scenarios::Scenario scenario =
          scenarios::read_scenario_text(scenario_text(record), "record");
      CHECK(std::to_string(scenario.cluster.gpus) == record.setting("cluster.gpus"));
      CHECK(scenario.plan.world_size() == scenario.cluster.gpus);
    } catch (const scenarios::ScenarioError& error) {
      reason = error.what();
    }
    CHECK(reason == "");
  }
}

TEST_CASE("a corrupted measurement does not move a real prediction") {
  RecordSet set = load_records(default_records_folder());
  for (Record& record : set.records) record.measured = {9e9, 1e-3, 0.0, "", 1e6, 0.0, 0.0};
  const ValidateOptions only{{"korthikanti", "torchao"}, 2};
  const Validation honest = validate(load_records(default_records_folder()), only);
  const Validation corrupt = validate(std::move(set), only);
  REQUIRE(honest.outcomes.size() == corrupt.outcomes.size());
  REQUIRE(honest.outcomes.size() > 10);
  for (std::size_t i = 0; i < honest.outcomes.size(); ++i) {
    INFO(honest.records[i].id << " " << honest.outcomes[i].reason);
    CHECK(honest.outcomes[i].state == State::predicted);
    CHECK(honest.outcomes[i].predicted_step_s > 0.0);
    CHECK(honest.outcomes[i].predicted_step_s == corrupt.outcomes[i].predicted_step_s);
    CHECK(honest.outcomes[i].predicted_fits == corrupt.outcomes[i].predicted_fits);
  }
}
