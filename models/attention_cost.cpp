#include "models/attention_cost.hpp"

#include <algorithm>
#include <cmath>

#include "models/gemm.hpp"

namespace models::detail {
namespace {

// Output of models/fit/fit.py, one a kernel generation.
struct Constants {
  double block_rows;       // query rows of a block in forward; backward walks blocks of 128 keys
  double overhead;         // keys
  double causal_overhead;  // further keys when causal
  double head_64;          // rate at head dimension 64 against 128
  double head_256;         // at 256
  double backward;         // rate of the backward kernel against forward's
  double tail;             // idle at the end, in longest blocks
  double alone;            // slowdown of a block that has its SM for itself
  double backward_256;     // backward's rate at head dimension 256 against 128
  // Bytes an element of the queries that backward moves before and after its main kernel: output
  // and gradient for the row sums, the queries' gradient in fp32 cleared, added up, converted.
  double backward_bytes = 20.0;
};

constexpr Constants kFlash1{128, 0, 96.9, 1.2, 1.05, 0.4, 0.524, 1.1, 0.9};
constexpr Constants kFlash2{128, 37.9, 68.2, 0.868, 0.889, 1.01, 0.524, 1.1, 0.557};
constexpr Constants kFlash2Hopper{128, 103, 86.0, 0.88, 0.928, 0.916, 0.561, 0.716, 0.9};
// cuDNN, which Transformer Engine runs; FlashAttention-3's forward is as fast (0.708 against 0.695
// of peak) and has no backward measurements.
constexpr Constants kHopper{128, 137, 80.9, 0.716, 1.08, 0.944, 0.581, 0.901, 0.9};
constexpr Constants kBlackwell{256, 36.6, 33.5, 0.85, 0.723, 0.969, 0.195, 1.35, 0.5};
// FlashAttention-2's sustained rate on Hopper against cuDNN's 0.695 of peak: 0.388 in the library's
// charts, 0.348 as PyTorch builds it; their mean.
constexpr double kFlash2OnHopper = 0.53;
// The first FlashAttention and its Triton kernel: forward and backward of 154 and 82 TFLOP/s on
// A100, 276 and 146 on H100, at any length. Charts of FlashAttention-2 (Triton, A100: 61-102 both
// passes together); differences between sequence lengths of MPT runs (docs/models.md).
constexpr Constants kTriton{128, 20, 60, 1.0, 1.0, 0.53, 0.46, 1.26, 0.9, 0.0};
constexpr double kTritonOnAmpere = 0.75;  // against FlashAttention-2
constexpr double kTritonOnHopper = 0.47;  // against cuDNN
constexpr double kBackwardRows = 128.0;
// Backward computes five products where forward has two and the gradient alone needs four.
constexpr double kRebuiltScores = 1.25;

Constants constants_of(const Device& device, const KernelProfile& kernels) {
  if (kernels.flash_attention_1 && device.architecture != Architecture::blackwell) return kTriton;
  switch (device.architecture) {
    case Architecture::volta:
    case Architecture::turing:
      return kFlash1;
    case Architecture::hopper:
      return kernels.flash_attention_2 ? kFlash2Hopper : kHopper;
    case Architecture::blackwell:
      return kBlackwell;
    default:
      return kFlash2;
  }
}

// Rate of an older kernel against the one that the device's efficiency was fitted on.
double generation_factor(const Device& device, const KernelProfile& kernels) {
  switch (device.architecture) {
    case Architecture::ampere:
    case Architecture::ada:
      return kernels.flash_attention_1 ? kTritonOnAmpere : 1.0;
    case Architecture::hopper:
      if (kernels.flash_attention_1) return kTritonOnHopper;
      return kernels.flash_attention_2 ? kFlash2OnHopper : 1.0;
    default:
      return 1.0;
  }
}

double head_factor(double dim, const Constants& constants, bool backward) {
  if (dim <= 128.0) {
    const double between = std::max(0.0, dim - 64.0) / 64.0;
    return constants.head_64 + (1.0 - constants.head_64) * between;
  }
  const double large = backward ? constants.backward_256 : constants.head_256;
  return 1.0 + (large - 1.0) * std::min(1.0, (dim - 128.0) / 128.0);
}

// How much longer the kernel takes than its work spread evenly over all SMs.
double idle_factor(const Work& work, double share, const Constants& constants, bool backward,
                   const Device& device) {
  const double block = backward ? kBackwardRows : constants.block_rows;
  const double parts = static_cast<double>(work.parts);
  const double rows = backward ? static_cast<double>(work.n) / parts : static_cast<double>(work.m);
  const double blocks = static_cast<double>(work.batch) * std::max(1.0, rows / block);
  const double waves = blocks / std::max(1, device.sm_count);
  // The last rows of a causal square see all keys, the average row half of them.
  // Of several parts only the first is a square on the diagonal.
  const double longest = 1.0 + (share < 1.0 ? std::min(2.0, 1.0 / share) - 1.0 : 0.0) / parts;
  return std::max(constants.alone * longest, waves + constants.tail * longest) / waves;
}

}  // namespace

double attention_seconds(const Work& work, Pass pass, Precision precision, const Device& device,
                         const KernelProfile& kernels) {
  const bool low = precision == Precision::fp8 || precision == Precision::fp4;
  const Constants constants = constants_of(device, kernels);
  const bool backward = pass != Pass::forward;
  const double full = 2.0 * static_cast<double>(work.batch) * static_cast<double>(work.m) *
                      static_cast<double>(work.n) * static_cast<double>(work.k + work.value_dim);
  double flops = work.flops.count() * (backward ? 0.5 : 1.0);
  const double share = std::clamp(flops / full, 1e-6, 1.0);
  const double keys = share * static_cast<double>(work.n);
  // Every kernel has the overhead of its own; one of them is causal.
  flops *= (keys + static_cast<double>(work.parts) * constants.overhead +
            (share < 1.0 ? constants.causal_overhead : 0.0)) /
           keys;
  double rate = matrix_rate(device, low ? Precision::bf16 : precision).per_second() *
                device.attention_efficiency * generation_factor(device, kernels) *
                head_factor(static_cast<double>(work.k), constants, backward);
  if (backward) {
    flops *= 2.0 * kRebuiltScores;
    rate *= constants.backward;
  }
  const double bandwidth = device.memory_bandwidth.bytes_per_second() * device.memory_efficiency;
  const double seconds = flops / rate * idle_factor(work, share, constants, backward, device);
  const double queries = static_cast<double>(work.parts * work.batch) * static_cast<double>(work.m);
  const double passes =
      backward ? constants.backward_bytes * queries * static_cast<double>(work.k) / bandwidth : 0.0;
  return std::max(seconds + passes, work.traffic.as_double() / bandwidth);
}

}  // namespace models::detail
