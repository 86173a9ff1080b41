#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <stdexcept>

#include "scenarios/reader.hpp"
#include "studies/sweep.hpp"

using namespace studies;

namespace {

std::string scenario_file() {
  const auto path = std::filesystem::temp_directory_path() / "stepcast_sweep_test.yaml";
  std::ofstream(path) << "model: llama3-8b\n"
                         "cluster: {preset: dgx-h100, gpus: 16}\n"
                         "training: {seq_len: 4096, global_batch: 32, micro_batch: 1}\n"
                         "strategy: {tp: 2, dp: 8, zero: 1}\n";
  return path.string();
}

SweepOptions options(std::vector<SweepAxis> axes, Scaling scaling = Scaling::none) {
  SweepOptions out;
  out.scenario = scenario_file();
  out.axes = std::move(axes);
  out.scaling = scaling;
  out.threads = 2;
  out.predict = [](const scenarios::Scenario& scenario) {
    scenarios::Report report;
    report.scenario = scenario;
    return report;
  };
  return out;
}

}  // namespace

TEST_CASE("an axis is a key and its values: brackets keep commas together") {
  const SweepAxis axis = parse_axis("strategy.pp_layout.stages=[1,2],[2,1],{a: [1,2]}");
  CHECK(axis.key == "strategy.pp_layout.stages");
  CHECK(axis.values == std::vector<std::string>{"[1,2]", "[2,1]", "{a: [1,2]}"});
  for (const char* wrong : {"strategy.tp", "=1,2", "strategy.tp=", "strategy.tp=1,,2", "a=[1,2"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(parse_axis(wrong), std::invalid_argument);
  }
}

TEST_CASE("the grid has every combination once, the last key fastest") {
  const auto points = sweep_grid({{"a", {"1", "2"}}, {"b", {"x", "y", "z"}}});
  REQUIRE(points.size() == 6);
  CHECK(points[0].values == std::vector<std::string>{"1", "x"});
  CHECK(points[1].values == std::vector<std::string>{"1", "y"});
  CHECK(points[5].values == std::vector<std::string>{"2", "z"});
  const std::vector<std::string> many(400, "1");
  CHECK_THROWS_AS(sweep_grid({{"a", many}, {"b", many}}), std::invalid_argument);
}

TEST_CASE("dp and the shard group follow the degrees, the batch follows the GPUs in weak scaling") {
  auto sweep =
      options({{"cluster.gpus", {"16", "64"}}, {"strategy.tp", {"1", "4"}}}, Scaling::weak);
  auto points = sweep_grid(sweep.axes);
  int told = 0;
  std::mutex mutex;
  run_sweep(sweep, points, [&](std::size_t) {
    const std::lock_guard lock(mutex);
    ++told;
  });
  CHECK(told == 4);
  for (const SweepPoint& point : points) {
    REQUIRE(point.error.empty());
    const scenarios::Scenario& s = point.report->scenario;
    CHECK(s.plan.dp == s.cluster.gpus / s.plan.tp);
    CHECK(s.plan.shard_group == s.plan.dp);
    CHECK(s.training.global_batch == 2 * s.cluster.gpus);
  }
  sweep.scaling = Scaling::strong;
  CHECK(point_settings(sweep, {"64", "4"}) ==
        std::vector<std::string>{"cluster.gpus=64", "strategy.tp=4", "strategy.dp=16",
                                 "strategy.shard_group=16"});
}

TEST_CASE("points that are no strategy have an error and do not stop the others") {
  const auto sweep = options({{"strategy.tp", {"1", "3", "2"}}});
  auto points = sweep_grid(sweep.axes);
  run_sweep(sweep, points, [](std::size_t) {});
  CHECK(points[0].report.has_value());
  CHECK(!points[1].report.has_value());
  CHECK(points[1].error.find("but cluster.gpus is 16") != std::string::npos);
  CHECK(points[2].report.has_value());
}
