// The arithmetic that explain prints comes to the memory that is simulated.
#include <algorithm>
#include <catch2/catch.hpp>
#include <regex>
#include <string>

#include "reports/explain.hpp"
#include "scenarios/reader.hpp"

namespace {

constexpr double kGib = 1073741824.0;

// 64 ranks: an expert has 4 replicas, the rest of a stage 32.
scenarios::Report mixture(int zero) {
  const std::string text =
      "model: mixtral-8x7b\n"
      "cluster: {preset: dgx-h100, gpus: 64}\n"
      "training: {seq_len: 4096, global_batch: 64, micro_batch: 1}\n"
      "strategy: {pp: 2, ep: 8, zero: " +
      std::to_string(zero) +
      "}\n"
      "implementation: ideal\n";
  return scenarios::predict(scenarios::read_scenario_text(text, "mixture.yaml"));
}

const reports::ExplainedStep& step(const reports::ExplainedSection& section,
                                   const std::string& quantity) {
  const auto found =
      std::find_if(section.steps.begin(), section.steps.end(),
                   [&](const reports::ExplainedStep& s) { return s.quantity == quantity; });
  REQUIRE(found != section.steps.end());
  return *found;
}

// "a × b", or "(a / m + c / n) × b".
double product(std::string numbers) {
  numbers.erase(std::remove(numbers.begin(), numbers.end(), ','), numbers.end());
  static const std::regex whole(R"((\d+) × ([\d.]+))");
  static const std::regex split(R"(\((\d+) / (\d+) \+ (\d+) / (\d+)\) × ([\d.]+))");
  std::smatch m;
  const auto at = [&](std::size_t i) { return std::stod(m[i].str()); };
  if (std::regex_match(numbers, m, whole)) return at(1) * at(2);
  REQUIRE(std::regex_match(numbers, m, split));
  return (at(1) / at(2) + at(3) / at(4)) * at(5);
}

}  // namespace

TEST_CASE("the states that explain lists are those of the memory ledger, experts by their group") {
  const reports::ExplainedSection section = reports::explain_memory(mixture(1));
  for (const char* state : {"parameters", "gradients", "optimizer"}) {
    INFO(state);
    const reports::ExplainedStep& listed = step(section, state);
    CHECK(listed.value == step(section, std::string("simulated ") + state).value);
    CHECK(product(listed.numbers) == Approx(listed.value * kGib).epsilon(1e-6));
  }
  CHECK(step(section, "parameters").formula == "count × bytes");
  CHECK(step(section, "optimizer").formula == "(dense / 32 + experts / 4) × bytes");
}

TEST_CASE("what is sharded is listed so at every ZeRO stage") {
  const auto split = [](int zero, const char* state) {
    const reports::ExplainedSection section = reports::explain_memory(mixture(zero));
    const reports::ExplainedStep& listed = step(section, state);
    CHECK(product(listed.numbers) == Approx(listed.value * kGib).epsilon(1e-6));
    return listed.formula == "(dense / 32 + experts / 4) × bytes";
  };
  CHECK_FALSE(split(0, "optimizer"));
  CHECK_FALSE(split(1, "gradients"));
  CHECK(split(2, "gradients"));
  CHECK_FALSE(split(2, "parameters"));
  CHECK(split(3, "parameters"));
}
