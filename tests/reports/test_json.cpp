#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "reports/json.hpp"
#include "reports/text.hpp"
#include "tests/reports/sample_report.hpp"

using nlohmann::ordered_json;
using reports_test::sample_report;

namespace {

std::vector<std::string> keys(const ordered_json& object) {
  std::vector<std::string> out;
  for (const auto& [key, value] : object.items()) out.push_back(key);
  return out;
}

// The decimal text of a number as picoseconds: exact, unlike a sum of doubles.
std::int64_t picoseconds(const ordered_json& number) {
  const std::string text = number.dump();
  const std::size_t dot = std::min(text.find('.'), text.size());
  std::string digits = text.substr(0, dot);
  std::string decimals = dot < text.size() ? text.substr(dot + 1) : "";
  REQUIRE(decimals.size() <= 12);
  decimals.resize(12, '0');
  return std::stoll(digits + decimals);
}

}  // namespace

TEST_CASE("the JSON result has every fixed key, in order") {
  const ordered_json json = reports::to_json(sample_report());
  CHECK(json["schema_version"] == 1);
  for (const char* key : {"name", "fits", "step_time_s", "tokens_per_s", "tokens_per_s_per_gpu",
                          "model_tflops_per_gpu", "mfu", "hfu", "bubble_fraction", "breakdown_s",
                          "memory", "simulation", "warnings", "provenance"}) {
    CHECK(json.contains(key));
  }
  CHECK(keys(json["breakdown_s"]) ==
        std::vector<std::string>{"compute", "recompute", "optimizer", "exposed_tp", "exposed_cp",
                                 "exposed_ep", "exposed_pp", "exposed_dp", "bubble", "other"});
  CHECK(keys(json["memory"]["categories_gib"]) ==
        std::vector<std::string>{"parameters", "gradients", "optimizer", "activations", "buffers",
                                 "framework"});
  for (const char* key : {"peak_gib", "allocated_gib", "reserved_gib", "driver_gib", "device_gib",
                          "peak_rank", "stages"}) {
    CHECK(json["memory"].contains(key));
  }
  for (const char* key : {"ranks", "ranks_simulated", "events", "wall_s", "fidelity"}) {
    CHECK(json["simulation"].contains(key));
  }
}

TEST_CASE("the breakdown adds up to the step time in every printed digit") {
  const ordered_json json = reports::to_json(sample_report());
  std::int64_t sum = 0;
  for (const auto& part : json["breakdown_s"]) sum += picoseconds(part);
  CHECK(sum == 1'433'333'333'337);
  CHECK(sum == picoseconds(json["step_time_s"]));
  CHECK(json["step_time_s"].dump() == "1.433333333337");
}

TEST_CASE("memory is that of the worst stage, and each stage is given") {
  const ordered_json memory = reports::to_json(sample_report())["memory"];
  CHECK(memory["allocated_gib"] == 19.0);
  CHECK(memory["peak_gib"] == memory["allocated_gib"]);
  CHECK(memory["driver_gib"] == 21.0);
  CHECK(memory["peak_rank"] == 1);
  REQUIRE(memory["stages"].size() == 2);
  CHECK(memory["stages"][0]["allocated_gib"] == 17.0);
  double sum = 0.0;
  for (const auto& part : memory["categories_gib"]) sum += part.get<double>();
  CHECK(sum == memory["allocated_gib"].get<double>());
}

TEST_CASE("bf16 MFU is only given beside low-precision training") {
  scenarios::Report report = sample_report();
  CHECK_FALSE(reports::to_json(report).contains("mfu_bf16"));
  report.scenario.training.precision = models::Precision::fp8;
  report.mfu_bf16 = 0.8;
  CHECK(reports::to_json(report)["mfu_bf16"] == 0.8);
}

TEST_CASE("provenance echoes values with their origin and lists what was assumed") {
  const ordered_json provenance = reports::to_json(sample_report())["provenance"];
  CHECK(provenance["tool"] == "stepcast");
  CHECK(provenance["resolved"]["strategy.pp"]["value"] == "2");
  CHECK(provenance["resolved"]["strategy.pp"]["origin"] == "scenario");
  CHECK(provenance["assumptions"] == ordered_json::array({"strategy.tp", "training.grad_dtype"}));
}

TEST_CASE("the digest ignores the wall time and nothing else") {
  scenarios::Report report = sample_report();
  const auto digest = [](const scenarios::Report& of) {
    return reports::to_json(of)["provenance"]["result_sha256"].get<std::string>();
  };
  const std::string before = digest(report);
  CHECK(before.size() == 64);
  report.wall_s = 99.0;
  CHECK(digest(report) == before);
  report.breakdown.other = sim::Time::ps(1);
  CHECK(digest(report) != before);
}

TEST_CASE("CSV has one header, one line a report, and disarms formulas") {
  const std::vector<scenarios::Report> two{sample_report(), sample_report()};
  const std::string text = reports::csv(two);
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find("\r\n", at);
    lines.push_back(text.substr(at, end - at));
    at = end + 2;
  }
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].starts_with("schema_version,name,fits,step_time_s,"));
  CHECK(lines[0].find("breakdown_s.exposed_dp") != std::string::npos);
  CHECK(lines[0].find("memory.activations_gib") != std::string::npos);
  CHECK(lines[1].find("\"'=cmd(), \"\"</script>") != std::string::npos);
  CHECK(lines[1].find('\x1b') == std::string::npos);
  CHECK(lines[1] == lines[2]);
}
