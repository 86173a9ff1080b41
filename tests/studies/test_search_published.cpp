// For published runs, the search finds something at least as fast as what was run, as predicted.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>

#include "scenarios/reader.hpp"
#include "studies/records.hpp"
#include "studies/search.hpp"
#include "studies/search_team.hpp"

using namespace studies;

namespace {

// Searches around a record: its implementation and batch, every degree and ZeRO stage.
void check_record(const Record& record) {
  const std::string text = scenario_text(record);
  INFO(text);
  scenarios::ReadOptions free;
  free.check_strategy = false;
  const scenarios::Scenario published = scenarios::read_scenario_text(text, record.id);
  scenarios::Scenario scenario = scenarios::read_scenario_text(text, record.id, free);
  scenario.search.fixed = {{"strategy.offload.optimizer", "0"},
                           {"strategy.offload.activations", "0"}};
  const SearchSpace space(scenario);
  scenarios::PredictionCache cache(space.base(), space.host_links());
  ThreadTeam team(space, cache, 0);
  SearchOptions options;
  options.top = 1;
  options.front = Front::none;
  const SearchResult result = search(space, options, team);
  const scenarios::Report report = scenarios::predict(published);
  if (!report.fits) return;  // the search only returns what fits
  REQUIRE(!result.best.empty());
  CHECK(result.best.front().evaluation.step_ps <= report.step_time.count());
}

// Every n-th of the records with a step time, of clusters of at most so many GPUs.
std::vector<Record> sample(std::size_t count, std::int64_t most_gpus) {
  std::vector<Record> usable;
  for (const Record& record : load_records(default_records_folder()).records) {
    const Measured& measured = record.measured;
    const bool timed = measured.step_time_s > 0.0 || measured.tokens_per_s_per_gpu > 0.0 ||
                       measured.tflops_per_gpu > 0.0;
    const std::string gpus = record.setting("cluster.gpus");
    if (record.use == Use::no || !timed || gpus.empty()) continue;
    if (std::stoll(gpus) <= most_gpus) usable.push_back(record);
  }
  std::vector<Record> out;
  for (std::size_t i = 0; i < count && !usable.empty(); ++i) {
    out.push_back(usable[i * usable.size() / count]);
  }
  return out;
}

}  // namespace

TEST_CASE("search is at least as fast as published runs, as predicted") {
  for (const Record& record : sample(4, 16)) check_record(record);
}

TEST_CASE("search is at least as fast as many published runs, as predicted", "[.long]") {
  const char* count = std::getenv("STEPCAST_RECORDS");
  for (const Record& record : sample(count ? std::strtoul(count, nullptr, 10) : 40, 1 << 20)) {
    check_record(record);
  }
}
