#include "models/attention_cost.hpp"

#include <algorithm>
#include <cmath>

#include "models/gemm.hpp"

namespace models::detail {
namespace {

struct Constants {
  double head_64;    // efficiency at head dimension 64 against 128
  double half_keys;  // keys at which half of the long-sequence rate is reached
  double backward;   // rate of the backward kernel against forward
};

// Provisional values from FlashAttention-2 and -3's charts; models/fit/fit.py refines them.
Constants constants_of(Architecture architecture) {
  switch (architecture) {
    case Architecture::hopper:
    case Architecture::blackwell:
      return {0.75, 500.0, 0.80};
    default:
      return {0.92, 250.0, 0.85};
  }
}

}  // namespace

double attention_seconds(const Work& work, Pass pass, Precision precision, const Device& device) {
  const Precision used =
      precision == Precision::fp8 || precision == Precision::fp4 ? Precision::bf16 : precision;
  const Constants constants = constants_of(device.architecture);
  const double peak = matrix_rate(device, used).per_second();
  const double keys = static_cast<double>(work.n);
  double rate = peak * device.attention_efficiency * keys / (keys + constants.half_keys);
  if (work.k < 128)
    rate *= std::max(0.25, constants.head_64 + (1.0 - constants.head_64) *
                                                   (static_cast<double>(work.k) - 64.0) / 64.0);
  double flops = work.flops.count();
  if (pass != Pass::forward) {
    flops *= 1.25;  // backward rebuilds the scores: five products where the gradient needs four
    rate *= constants.backward;
  }
  const double bandwidth = device.memory_bandwidth.bytes_per_second() * device.memory_efficiency;
  return std::max(flops / rate, work.traffic.as_double() / bandwidth);
}

}  // namespace models::detail
