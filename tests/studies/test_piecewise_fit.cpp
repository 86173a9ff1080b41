#include <catch2/catch.hpp>

#include <cmath>
#include <fstream>
#include <map>
#include <random>
#include <sstream>

#include "collectives/calibration.hpp"
#include "studies/calibration_profile.hpp"
#include "studies/device_fit.hpp"
#include "studies/piecewise_fit.hpp"

using namespace studies;

namespace {

// Eager below 4 KiB, copies below 256 KiB, rendezvous beyond.
double true_seconds(double bytes) {
  if (bytes < 4096.0) return 1e-6 + bytes / 2e9;
  if (bytes < 262144.0) return 4e-6 + bytes / 6e9;
  return 20e-6 + bytes / 10e9;
}

std::vector<Timing> sweep(double noise, unsigned seed, double factor) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0.0, noise);
  std::vector<Timing> timings;
  for (double bytes = 8; bytes < 3e8; bytes *= factor) {
    const auto whole = static_cast<std::int64_t>(bytes);
    timings.push_back({whole, true_seconds(static_cast<double>(whole)) * (1.0 + normal(random))});
  }
  return timings;
}

}  // namespace

TEST_CASE("three protocols are found from exact times") {
  const auto segments = fit_segments(sweep(0.0, 1, 1.5));
  REQUIRE(segments.size() == 3);
  CHECK(segments[0].latency.seconds() == Approx(1e-6).epsilon(0.01));
  CHECK(segments[0].bandwidth.bytes_per_second() == Approx(2e9).epsilon(0.01));
  CHECK(segments[1].latency.seconds() == Approx(4e-6).epsilon(0.01));
  CHECK(segments[2].bandwidth.bytes_per_second() == Approx(10e9).epsilon(0.01));
  CHECK(segments[1].from.as_double() > 4096 / 1.5);
  CHECK(segments[1].from.as_double() < 4096 * 1.5);
}

TEST_CASE("with noise the error on unseen sizes is about the noise") {
  const auto segments = fit_segments(sweep(0.05, 2, 1.4));
  const FitQuality quality = test_fit(segments, sweep(0.05, 2, 1.4), sweep(0.0, 3, 1.83), 1024);
  CHECK(quality.held_out > 15);
  CHECK(quality.median < 0.05);
  CHECK(quality.median <= quality.p90);
  CHECK(quality.p90 <= quality.worst);
}

TEST_CASE("a fit never has negative latency or bandwidth, whatever it is given") {
  std::mt19937 random(4);
  std::uniform_real_distribution<double> logarithm(-14.0, 1.0);
  for (int round = 0; round < 200; ++round) {
    std::vector<Timing> timings;
    const int count = 3 + round % 20;
    for (int i = 0; i < count; ++i) {
      timings.push_back({std::int64_t{1} << (i + 1), std::exp(logarithm(random))});
    }
    const auto segments = fit_segments(timings);
    REQUIRE(!segments.empty());
    for (const auto& segment : segments) {
      CHECK(segment.latency >= sim::Time::zero());
      CHECK(segment.bandwidth.bytes_per_second() > 0.0);
      CHECK(std::isfinite(segment.bandwidth.bytes_per_second()));
    }
    for (std::size_t i = 1; i < segments.size(); ++i) {
      CHECK(segments[i - 1].from < segments[i].from);
    }
  }
}

TEST_CASE("sizes measured several times count as their median") {
  std::vector<Timing> timings = sweep(0.0, 1, 2.0);
  const auto plain = fit_segments(timings);
  for (const Timing& timing : sweep(0.0, 1, 2.0)) {
    timings.push_back({timing.bytes, timing.seconds * 1.0000001});
    timings.push_back({timing.bytes, timing.seconds * 50.0});  // an outlier
  }
  const auto noisy = fit_segments(timings);
  REQUIRE(noisy.size() == plain.size());
  CHECK(noisy[0].latency.seconds() == Approx(plain[0].latency.seconds()).epsilon(0.001));
}

TEST_CASE("the shipped sweeps are fitted: median error on held-out sizes") {
  std::ifstream in(std::string(STEPCAST_SOURCE_DIR) + "/tests/collectives/data/nccl_points.csv");
  REQUIRE(in);
  std::map<std::string, std::vector<Timing>> sweeps;
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::istringstream cells(line);
    std::string name, bytes, time;
    std::getline(cells, name, ',');
    std::getline(cells, bytes, ',');
    std::getline(cells, time, ',');
    sweeps[name].push_back({std::stoll(bytes), std::stod(time) * 1e-6});
  }
  std::vector<double> medians;
  for (const auto& [name, timings] : sweeps) {
    if (timings.size() < 12) continue;
    medians.push_back(fit_and_check(timings).quality.median);
  }
  REQUIRE(medians.size() > 50);
  CHECK(median(medians) < 0.08);
  CHECK(quantile(medians, 0.9) < 0.25);
}

TEST_CASE("a device's efficiencies are found again from times that follow the model") {
  models::Device device;
  device.architecture = models::Architecture::cpu;
  device.peak[0] = sim::FlopRate{100e9};
  device.memory_bandwidth = sim::Bandwidth{20e9};
  device.sm_count = 1;
  device.gemm_efficiency[0] = 0.73;
  device.memory_efficiency = 0.61;
  std::vector<MeasuredKernel> kernels;
  for (std::int64_t size = 128; size <= 2048; size *= 2) {
    for (const std::int64_t k : {128, 512, 1024}) {
      kernels.push_back({true, size, size, k, 1, models::Precision::fp32, {}, 0.0});
      kernels.push_back({false, 0, 0, 0, 1, {}, sim::Bytes{size * k * 12}, 0.0});
    }
  }
  for (MeasuredKernel& kernel : kernels) kernel.seconds = predicted_seconds(kernel, device);
  models::Device unknown = device;
  unknown.gemm_efficiency[0] = unknown.memory_efficiency = 0.5;
  const DeviceFit fit = fit_device(unknown, kernels);
  CHECK(fit.device.gemm_efficiency[0] == Approx(0.73).margin(0.004));
  CHECK(fit.device.memory_efficiency == Approx(0.61).margin(0.004));
  CHECK(fit.gemm.held_out > 2);
  CHECK(fit.gemm.worst < 0.01);
}

TEST_CASE("a core's rates are found again from times that follow the model") {
  models::Device core;
  core.architecture = models::Architecture::cpu;
  core.peak[0] = sim::FlopRate{120e9};
  core.gemm_efficiency[0] = 1.0;
  core.memory_bandwidth = sim::Bandwidth{12e9};
  core.gemm_operand_bandwidth = sim::Bandwidth{5e9};
  core.kernel_rates.activation = sim::Bandwidth{1.5e9};
  core.kernel_rates.optimizer = sim::Bandwidth{8e9};
  std::vector<MeasuredKernel> kernels;
  for (std::int64_t size = 64; size <= 1024; size *= 2) {
    for (const std::int64_t k : {32, 128, 512}) {
      kernels.push_back({true, size, size, k, 1, models::Precision::fp32, {}, 0.0});
      for (const auto rate : {&models::KernelRates::activation, &models::KernelRates::optimizer}) {
        kernels.push_back({false, size, k, 0, 1, {}, sim::Bytes{size * k * 8}, 0.0, {}, rate});
      }
    }
  }
  for (MeasuredKernel& kernel : kernels) kernel.seconds = predicted_seconds(kernel, core);
  models::Device unknown = core;
  unknown.peak[0] = sim::FlopRate{100e9};  // the best that any product reached
  unknown.gemm_operand_bandwidth = unknown.memory_bandwidth;
  unknown.kernel_rates = {};
  const DeviceFit fit = fit_device(unknown, kernels);
  CHECK(fit.device.peak[0].per_second() * fit.device.gemm_efficiency[0] ==
        Approx(120e9).epsilon(0.03));
  CHECK(fit.device.gemm_operand_bandwidth.bytes_per_second() == Approx(5e9).epsilon(0.05));
  CHECK(fit.device.kernel_rates.activation.bytes_per_second() == Approx(1.5e9).epsilon(1e-6));
  CHECK(fit.device.kernel_rates.optimizer.bytes_per_second() == Approx(8e9).epsilon(1e-6));
  CHECK(fit.device.kernel_rates.norm.bytes_per_second() == 0.0);
  CHECK(fit.gemm.worst < 0.03);
  CHECK(fit.rated.held_out == 8);
}
