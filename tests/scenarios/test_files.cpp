// Files that cannot be read, and what `extends:` may and may not reach.
#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include "scenarios/report.hpp"
#include "support.hpp"

using namespace support;
using scenarios::ErrorKind;
using scenarios::read_scenario;
using scenarios::ScenarioError;

namespace {

struct Refusal {
  ErrorKind kind;
  std::string text;
};

Refusal refusal(const std::filesystem::path& file) {
  try {
    read_scenario(file.string());
  } catch (const ScenarioError& error) {
    return {error.kind(), error.what()};
  }
  FAIL("accepted");
  return {};
}

}  // namespace

TEST_CASE("what is no regular file is refused without reading it") {
  const TemporaryFolder folder;
  const Refusal missing = refusal(folder / "missing.yaml");
  CHECK(missing.kind == ErrorKind::io);
  CHECK_THAT(missing.text, Catch::Contains("missing.yaml: error: cannot be opened: No such file"));

  const Refusal is_folder = refusal(folder / "");
  CHECK(is_folder.kind == ErrorKind::invalid_input);
  CHECK_THAT(is_folder.text, Catch::Contains("is a folder, not a file"));

  REQUIRE(::mkfifo((folder / "fifo.yaml").c_str(), 0600) == 0);
  CHECK_THAT(refusal(folder / "fifo.yaml").text, Catch::Contains("is not a regular file"));
  CHECK_THAT(refusal("/dev/zero").text, Catch::Contains("is not a regular file"));
}

TEST_CASE("a file above 8 MiB is refused by its size") {
  const TemporaryFolder folder;
  write_text(folder / "big.yaml", "");
  std::filesystem::resize_file(folder / "big.yaml", std::uintmax_t{2} << 30U);  // sparse
  CHECK_THAT(refusal(folder / "big.yaml").text,
             Catch::Contains("has 2147483648 bytes; the limit is 8388608"));
}

TEST_CASE("an unreadable file is an I/O error") {
  if (::geteuid() == 0) return;  // root reads everything
  const TemporaryFolder folder;
  write_text(folder / "secret.yaml", kSmall);
  REQUIRE(::chmod((folder / "secret.yaml").c_str(), 0) == 0);
  CHECK(refusal(folder / "secret.yaml").kind == ErrorKind::io);
}

TEST_CASE("a byte-order mark is accepted and does not shift columns") {
  CHECK(complaint("\xEF\xBB\xBF" + kSmall).empty());
  CHECK_THAT(complaint("\xEF\xBB\xBFmodle: x\n"), Catch::StartsWith("test.yaml:1:1: error"));
}

TEST_CASE("Windows line ends are accepted and positions are right") {
  std::string text;
  for (const char c : kSmall) text += c == '\n' ? std::string("\r\n") : std::string(1, c);
  CHECK(complaint(text).empty());
  CHECK_THAT(complaint(text + "strategy: {tp: 5.5}\r\n"),
             Catch::StartsWith("test.yaml:4:16: error"));
}

TEST_CASE("columns count code points") {
  const std::string said = complaint(kSmall + "strategy: {\"\xC3\xA4\xE2\x82\xAC\": 1, tp: x}\n");
  CHECK_THAT(said, Catch::Contains("test.yaml:4:25: error: `strategy.tp`"));
}

TEST_CASE("extends merges mappings and replaces the rest") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "parts");
  write_text(folder / "parts/base.yaml", kSmall + "strategy: {tp: 4, pp: 2}\nname: base\n");
  write_text(folder / "top.yaml",
             "extends: parts/base.yaml\nstrategy: {pp: 4}\ntraining: {micro_batch: 2}\n");
  const auto scenario = read_scenario((folder / "top.yaml").string());
  CHECK(scenario.plan.tp == 4);
  CHECK(scenario.plan.pp == 4);
  CHECK(scenario.plan.dp == 1);
  CHECK(scenario.training.seq_len == 1024);
  CHECK(scenario.training.micro_batch == 2);
  CHECK(scenario.name == "base");
  CHECK(origin_of(scenario, "strategy.tp") == "extends parts/base.yaml");
  CHECK(origin_of(scenario, "strategy.pp") == "scenario");
}

TEST_CASE("another spelling in the extended file is the same key") {
  const TemporaryFolder folder;
  write_text(folder / "base.yaml", kSmall + "strategy: {tensor_model_parallel_size: 4}\n");
  write_text(folder / "top.yaml", "extends: base.yaml\nstrategy: {tp: 2}\n");
  CHECK(read_scenario((folder / "top.yaml").string()).plan.tp == 2);
}

TEST_CASE("extends refuses circles, depth and links that leave the folder") {
  const TemporaryFolder folder;
  write_text(folder / "a.yaml", "extends: b.yaml\n");
  write_text(folder / "b.yaml", "extends: a.yaml\n");
  const std::string circle = refusal(folder / "a.yaml").text;
  CHECK_THAT(circle, Catch::Contains("b.yaml:1:10: error: `extends` goes in a circle"));
  CHECK_THAT(circle, Catch::Contains("a.yaml -> ") && Catch::Contains("b.yaml -> "));

  write_text(folder / "self.yaml", "extends: ./self.yaml\n");
  CHECK_THAT(refusal(folder / "self.yaml").text, Catch::Contains("goes in a circle"));

  for (int i = 0; i < 12; ++i) {
    write_text(folder / ("d" + std::to_string(i) + ".yaml"),
               "extends: d" + std::to_string(i + 1) + ".yaml\n");
  }
  CHECK_THAT(refusal(folder / "d0.yaml").text, Catch::Contains("deeper than 8 files"));

  std::filesystem::create_directory(folder / "inner");
  write_text(folder / "outside.yaml", kSmall);
  std::filesystem::create_symlink(folder / "outside.yaml", folder / "inner/link.yaml");
  write_text(folder / "inner/top.yaml", "extends: link.yaml\n");
  CHECK_THAT(refusal(folder / "inner/top.yaml").text,
             Catch::Contains("leads out of the folder of this file"));
}

TEST_CASE("an error in the extended file is reported there") {
  const TemporaryFolder folder;
  write_text(folder / "base.yaml", kSmall + "strategy: {tp: x}\n");
  write_text(folder / "top.yaml", "extends: base.yaml\n");
  CHECK_THAT(refusal(folder / "top.yaml").text, Catch::Contains("base.yaml:4:16: error"));
}

TEST_CASE("calibration files are read beside the scenario") {
  const TemporaryFolder folder;
  write_text(folder / "fit.yaml",
             "collectives:\n"
             "  - {kind: all_reduce, members: 8, domains: 1, bytes: 1 MiB, time: 60 us}\n"
             "  - {kind: all_gather, members: 16, domains: 2, bytes: 2 MiB, time: 80 us}\n");
  write_text(folder / "top.yaml", kSmall);
  scenarios::ReadOptions options;
  options.set = {"cluster.calibration=" + (folder / "fit.yaml").string()};
  const auto scenario = read_scenario((folder / "top.yaml").string(), options);
  REQUIRE(scenario.calibration.points.size() == 2);
  CHECK(scenario.calibration.points[1].kind == collectives::Kind::all_gather);
  CHECK(scenario.calibration.points[1].domains == 2);
  CHECK(scenario.calibration.points[0].bytes.count() == 1 << 20);
  CHECK(scenario.calibration.points[0].time == sim::Time::us(60));

  write_text(folder / "bad.yaml", "collectives:\n  - {kind: all_reduce, members: 8, time: 60}\n");
  write_text(folder / "top2.yaml", kSmall.substr(0, kSmall.find("cluster")) +
                                       "cluster: {preset: dgx-a100, calibration: bad.yaml}\n");
  const std::string said = refusal(folder / "top2.yaml").text;
  CHECK_THAT(said, Catch::Contains("bad.yaml:2:42: error: `time`: a unit is required after 60"));
  CHECK_THAT(said, Catch::Contains("bad.yaml:2:5: error: the measurement lacks `bytes`"));
}

TEST_CASE("a calibration file's fits, device and origin") {
  const TemporaryFolder folder;
  write_text(
      folder / "fit.yaml",
      "method: mpi\nmade: today\nmachine: mine\nreliable: false\nobservations: {x: 1}\n"
      "device: {architecture: cpu, peak: {fp32: 90 GFLOP/s}, memory: 8 GiB,\n"
      "  memory_bandwidth: 20 GB/s, sm_count: 1, scale_up_type: pcie, pcie: 9 GB/s}\n"
      "fits:\n"
      "  - kind: all_reduce\n    members: 2\n    call: nonblocking\n    compute_share: 0.75\n"
      "    segments: [{from: 0 B, latency: 1 us, bandwidth: 2 GB/s},\n"
      "      {from: 4 KiB, latency: 3 us, bandwidth: 5 GB/s}]\n"
      "    quality: {points: 9, anything: goes}\n");
  write_text(folder / "top.yaml",
             "model: gpt2\ncluster: {gpus: 2, gpus_per_node: 2, calibration: fit.yaml}\n"
             "training: {seq_len: 128, global_batch: 2, precision: fp32}\nstrategy: {dp: 2}\n");
  const auto scenario = read_scenario((folder / "top.yaml").string());
  CHECK(scenario.device.architecture == models::Architecture::cpu);
  CHECK(scenario.device.peak[0].per_second() == 90e9);
  CHECK(scenario.calibration_origin.machine == "mine");
  CHECK(!scenario.calibration_origin.reliable);
  REQUIRE(scenario.calibration.fits.size() == 1);
  const auto& fit = scenario.calibration.fits[0];
  CHECK(fit.call == collectives::Call::nonblocking);
  CHECK(fit.domains == 1);
  REQUIRE(fit.compute_share);
  CHECK(*fit.compute_share == 0.75);
  REQUIRE(fit.segments.size() == 2);
  CHECK(fit.segments[1].from.count() == 4096);
  CHECK(fit.segments[1].latency == sim::Time::us(3));

  scenarios::PredictOptions options;
  options.without_calibration = true;
  const auto report = scenarios::predict(scenario, options);
  REQUIRE(report.uncalibrated_step_time);
  CHECK(*report.uncalibrated_step_time != report.step_time);
  REQUIRE(!report.prices.empty());
  CHECK(report.prices[0].source == collectives::PriceSource::measured);

  write_text(folder / "fit.yaml",
             "fits:\n  - {kind: all_reduce, members: 2, segments: []}\n"
             "  - {kind: all_gather, segments: [{from: 4 B}]}\n"
             "  - {kind: all_reduce, members: 2, segments: [{from: 8 B, bandwidth: 1 GB/s},\n"
             "      {from: 4 B, bandwidth: 1 GB/s}]}\n");
  write_text(folder / "top.yaml", kSmall);
  scenarios::ReadOptions with;
  with.set = {"cluster.calibration=" + (folder / "fit.yaml").string()};
  try {
    read_scenario((folder / "top.yaml").string(), with);
    FAIL("the fits are wrong");
  } catch (const scenarios::ScenarioError& error) {
    const std::string said = error.what();
    CHECK_THAT(said, Catch::Contains("fit.yaml:2:44: error: a fit needs a segment") ||
                         Catch::Contains("a fit needs a segment"));
    CHECK_THAT(said, Catch::Contains("the fit lacks `members`"));
    CHECK_THAT(said, Catch::Contains("the segment lacks `bandwidth`"));
    CHECK_THAT(said, Catch::Contains("segments must be in order of `from`"));
  }
}
