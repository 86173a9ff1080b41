// What is written reads the same, for everything that ships.
#include <catch2/catch.hpp>

#include "support.hpp"

using namespace support;
using scenarios::Scenario;

namespace {

// Keys and values; origins differ by design.
std::string values(const Scenario& scenario) {
  std::string text;
  for (const auto& item : scenario.resolved) text += item.key + ": " + item.value + "\n";
  return text;
}

}  // namespace

TEST_CASE("shipped scenarios read, and read the same after to_yaml") {
  const auto files = files_in(source_dir() / "scenarios", ".yaml");
  REQUIRE(files.size() >= 3);
  for (const auto& file : files) {
    INFO(file.filename().string());
    for (const Scenario& scenario : scenarios::read_scenarios(file.string())) {
      INFO(scenario.name);
      const std::string text = to_yaml(scenario);
      const Scenario again = scenarios::read_scenario_text(text, file.string());
      CHECK(values(again) == values(scenario));
      CHECK(to_yaml(again) == text);
      CHECK(again.plan.layers_of_chunk == scenario.plan.layers_of_chunk);
      CHECK(again.device.usable_memory == scenario.device.usable_memory);
    }
  }
}

TEST_CASE("every entry of the catalogue reads") {
  struct Section {
    const char* name;
    std::string before, after;
  };
  const std::string job = "training: {global_batch: 1e6}\nstrategy: {dp: 8}\n";
  const Section sections[] = {
      {"models", "model: ", "\ncluster: dgx-h100\n" + job},
      {"clusters", "model: gpt2-xl\ncluster: ", "\n" + job},
      {"devices", "model: gpt2-xl\ncluster: {device: ", "}\n" + job},
      {"profiles", "model: gpt2-xl\ncluster: dgx-h100\n" + job + "implementation: ", "\n"},
  };
  for (const Section& section : sections) {
    const auto entries = scenarios::list_catalogue(section.name);
    CHECK(entries.size() >= 2);
    for (const auto& entry : entries) {
      INFO(section.name << "/" << entry.name);
      CHECK_FALSE(entry.summary.empty());
      std::string job_text = section.before + entry.name + section.after;
      // Rates of a device without fp16 or bf16 make the default precision fp16.
      CHECK(complaint(job_text) == "");
    }
  }
}

TEST_CASE("reading twice gives the same, on any locale and from any folder") {
  const auto file = source_dir() / "scenarios" / "llama3-405b-4d.yaml";
  const std::string first = values(scenarios::read_scenario(file.string()));
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path("/");
  const std::string second = values(scenarios::read_scenario(file.string()));
  std::filesystem::current_path(before);
  CHECK(first == second);
}
