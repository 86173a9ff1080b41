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
};

// Tiles that cuBLAS and CUTLASS ship; 256 x 256 is Blackwell's two-SM tile and comes first.
constexpr std::array kTiles{Tile{256, 256}, Tile{256, 128}, Tile{128, 256},
                            Tile{128, 128}, Tile{256, 64},  Tile{64, 256},
                            Tile{128, 64},  Tile{64, 128},  Tile{64, 64}};

// Output of models/fit/fit.py.
struct Constants {
  double kernel;     // rate of the main loop against peak, at full clock
  double overhead;   // seconds a wave spends filling the pipeline and writing its tiles
  double smoothing;  // 0 = whole waves, 1 = tiles divide evenly over the SMs
  double medium;     // rate of 128 x 128 tiles against larger ones
  double small;      // rate of smaller tiles
  double exposed;    // part of the output's traffic that nothing hides
};

Constants constants_of(Architecture architecture) {
  switch (architecture) {
    case Architecture::hopper:
      return {0.946, 1.1e-6, 1.0, 0.975, 0.669, 0.744};
    case Architecture::blackwell:
      return {0.933, 2.5e-6, 0.0, 1.0, 1.0, 0.566};
    case Architecture::tpu:
    case Architecture::gaudi:
    case Architecture::cpu:
      // Few large systolic arrays (or cores) without waves of thread blocks: padding to tiles only.
      return {0.98, 1.0e-6, 1.0, 1.0, 1.0, 0.5};
    default:  // fitted on Ampere; Volta, Turing, Ada and CDNA have no tables of shapes
      return {0.869, 4.57e-6, 0.0, 0.886, 0.872, 0.454};
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

namespace {

// Seconds until the last wave of tiles is done, at the kernel's own rate.
double tiled_seconds(const GemmShape& shape, const Device& device, const Constants& constants,
                     double bandwidth) {
  const double peak = matrix_rate(device, shape.precision).per_second();
  const double sms = std::max(1, device.sm_count);
  const double smoothing = shape.apart ? 1.0 : constants.smoothing;
  const double outputs = static_cast<double>(shape.m * shape.n) * static_cast<double>(shape.batch);
  double best = std::numeric_limits<double>::infinity();
  for (const Tile& tile : kTiles) {
    const std::int64_t area = tile.rows * tile.columns;
    if (area > 32768 && device.architecture != Architecture::blackwell) continue;
    const double relative =
        area > 16384 ? 1.0 : (area == 16384 ? constants.medium : constants.small);
    const double rate = peak * constants.kernel * relative;
    const double tiles = static_cast<double>(ceil_div(shape.m, tile.rows) *
                                             ceil_div(shape.n, tile.columns) * shape.batch);
    for (std::int64_t split = 1; split <= 16; split *= 2) {
      const double parts = static_cast<double>(split);
      if (split > 1 && (tiles * parts > sms || shape.k / split < 256)) break;
      const double even = tiles * parts / sms;
      const double waves = std::max(1.0, (1.0 - smoothing) * std::ceil(even) + smoothing * even);
      const double k = static_cast<double>(ceil_div(shape.k, split));
      double time = waves * (2.0 * static_cast<double>(area) * k * sms / rate + constants.overhead);
      // Partial sums of a split k go through memory in fp32.
      if (split > 1) time += parts * 8.0 * outputs / bandwidth;
      best = std::min(best, time);
    }
  }
  return best;
}

// Head sizes 108 and 150 of BLOOM's prequel lost 29 to 37 % of the step against 144 and 216, which
// is its batched products at the fp32 vector rate of A100. A vocabulary of 50,257 instead of 50,304
// costs GPT-2 124M a quarter of the step (nanoGPT), which is its output projection at half rate.
double unaligned_rate(const GemmShape& shape, const Device& device) {
  const double peak = matrix_rate(device, shape.precision).per_second();
  const double half = 0.5 * peak * matrix_efficiency(device, shape.precision);
  const double vector =
      device.vector_peak.per_second() * device.gemm_efficiency[index_of(Precision::fp32)];
  return shape.batch > 1 && vector > 0.0 ? std::min(half, vector) : half;
}

double operand_bytes(const GemmShape& shape) {
  const double sides = static_cast<double>(shape.m + shape.n) * static_cast<double>(shape.k);
  return element_bytes(shape.precision) * sides * static_cast<double>(shape.batch);
}

}  // namespace

double gemm_seconds(const GemmShape& shape, double traffic, const Device& device) {
  if (shape.apart && shape.batch > 1) {
    GemmShape one = shape;
    one.batch = 1;
    const double calls = static_cast<double>(shape.batch);
    return calls * gemm_seconds(one, traffic / calls, device);
  }
  const double peak = matrix_rate(device, shape.precision).per_second();
  SIM_EXPECTS(peak > 0.0, "the device has no matrix rate");
  const double bandwidth = device.memory_bandwidth.bytes_per_second() * device.memory_efficiency;
  const Constants constants = constants_of(device.architecture);
  const double flops = 2.0 * static_cast<double>(shape.m) * static_cast<double>(shape.n) *
                       static_cast<double>(shape.k) * static_cast<double>(shape.batch);
  const double sustained = flops / (peak * matrix_efficiency(device, shape.precision));
  const double fetching = device.gemm_operand_bandwidth.bytes_per_second();
  if (fetching > 0.0) return sustained + operand_bytes(shape) / fetching;
  const double tiled = shape.aligned ? tiled_seconds(shape, device, constants, bandwidth)
                                     : flops / unaligned_rate(shape, device);
  const double output = shape.output_bytes * static_cast<double>(shape.m * shape.n) *
                        static_cast<double>(shape.batch);
  return std::max({tiled, sustained, traffic / bandwidth}) + constants.exposed * output / bandwidth;
}

}  // namespace models::detail
