#include "models/gemm.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "models/operator_builder.hpp"

namespace models::detail {
namespace {

struct Tile {
  std::int64_t rows;
  std::int64_t columns;
  double efficiency;  // of the main loop, against the largest tile
};

// Small tiles reread their operands from L2 more often and hide less of it.
constexpr std::array kTiles{Tile{256, 128, 1.0}, Tile{128, 256, 1.0}, Tile{128, 128, 0.92},
                            Tile{256, 64, 0.88}, Tile{64, 256, 0.88}, Tile{128, 64, 0.80},
                            Tile{64, 128, 0.80}, Tile{64, 64, 0.65}};

struct Constants {
  double overhead;   // seconds a wave spends filling the pipeline and writing its tiles
  double smoothing;  // 0 = whole waves, 1 = tiles divide evenly over the SMs
};

Constants constants_of(Architecture architecture) {
  switch (architecture) {
    case Architecture::tpu:
    case Architecture::gaudi:
    case Architecture::cpu:
      return {1.0e-6, 1.0};
    case Architecture::hopper:
    case Architecture::blackwell:
      return {2.0e-6, 0.5};
    default:
      return {2.0e-6, 0.2};
  }
}

std::size_t index_of(Precision precision) { return static_cast<std::size_t>(precision); }

Precision fallback(Precision precision) {
  switch (precision) {
    case Precision::fp4:
      return Precision::fp8;
    case Precision::fp8:
    case Precision::fp16:
      return Precision::bf16;
    default:
      return Precision::fp32;
  }
}

Precision supported(const Device& device, Precision precision) {
  while (device.peak[index_of(precision)].per_second() <= 0.0) {
    if (precision == Precision::fp32) break;
    precision = fallback(precision);
  }
  return precision;
}

}  // namespace

sim::FlopRate matrix_rate(const Device& device, Precision precision) {
  return device.peak[index_of(supported(device, precision))];
}

double matrix_efficiency(const Device& device, Precision precision) {
  const double fitted = device.gemm_efficiency[index_of(supported(device, precision))];
  return fitted > 0.0 ? fitted : 0.7;
}

double gemm_seconds(const GemmShape& shape, double traffic, const Device& device) {
  const double rate = matrix_rate(device, shape.precision).per_second() *
                      matrix_efficiency(device, shape.precision);
  SIM_EXPECTS(rate > 0.0, "the device has no matrix rate");
  const double bandwidth = device.memory_bandwidth.bytes_per_second() * device.memory_efficiency;
  const Constants constants = constants_of(device.architecture);
  const double sms = std::max(1, device.sm_count);
  double best = std::numeric_limits<double>::infinity();
  for (const Tile& tile : kTiles) {
    const double tiles = static_cast<double>(ceil_div(shape.m, tile.rows) *
                                             ceil_div(shape.n, tile.columns) * shape.batch);
    const double per_k =
        2.0 * static_cast<double>(tile.rows * tile.columns) * sms / (rate * tile.efficiency);
    for (std::int64_t split = 1; split <= 16; split *= 2) {
      if (split > 1 && (tiles * static_cast<double>(split) > sms || shape.k / split < 256)) break;
      const double even = tiles * static_cast<double>(split) / sms;
      const double waves =
          std::max(1.0, (1.0 - constants.smoothing) * std::ceil(even) + constants.smoothing * even);
      const double k = static_cast<double>(ceil_div(shape.k, split));
      double time = waves * (per_k * k + constants.overhead);
      if (split > 1) {  // partial sums go through memory in fp32
        time += static_cast<double>(split) * 8.0 *
                static_cast<double>(shape.m * shape.n * shape.batch) / bandwidth;
      }
      best = std::min(best, time);
    }
  }
  return std::max(best, traffic / bandwidth);
}

}  // namespace models::detail
