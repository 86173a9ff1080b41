#include "models/optimizer.hpp"

#include <algorithm>

namespace models {
namespace {

// One multi-tensor launch takes about 100 tensors: the argument space of a kernel (Apex
// multi_tensor_apply, PyTorch _foreach).
constexpr std::int64_t kTensorsPerLaunch = 100;
// PyTorch's single-tensor AdamW: decay, two lerp/mul-add moments, two bias corrections, sqrt, add
// epsilon, divide, update, cast; together about three times the bytes of one fused kernel.
constexpr std::int64_t kUnfusedKernels = 10;
constexpr double kUnfusedTraffic = 3.0;

int kernel_count(const OptimizerWork& work, const KernelProfile& kernels) {
  const std::int64_t tensors = std::max<std::int64_t>(1, work.tensors);
  const std::int64_t launches = (tensors + kTensorsPerLaunch - 1) / kTensorsPerLaunch;
  const std::int64_t update = kernels.fused_optimizer ? launches : kUnfusedKernels * tensors;
  const std::int64_t cleared_and_averaged = work.averages ? 2 : 1;
  const std::int64_t clipping = work.clipped > 0 ? 2 * launches + 2 : 0;
  const std::int64_t cast_down = work.master_weights ? launches : 0;
  return static_cast<int>(update + cleared_and_averaged + clipping + cast_down);
}

}  // namespace

double optimizer_update_bytes(const OptimizerWork& work) {
  return work.gradient_bytes + 2.0 * work.state_bytes +
         (work.master_weights ? 1.0 : 2.0) * work.parameter_bytes;
}

double optimizer_bytes(const OptimizerWork& work, const KernelProfile& kernels) {
  const double updated = static_cast<double>(work.parameters);
  const double held = static_cast<double>(work.gradients);
  double bytes = updated * optimizer_update_bytes(work);
  if (!kernels.fused_optimizer) bytes *= kUnfusedTraffic;
  bytes += held * work.gradient_bytes * (work.averages ? 3.0 : 1.0);
  bytes += 3.0 * static_cast<double>(work.clipped) * work.gradient_bytes;
  return bytes;
}

OptimizerCost optimizer_cost(const OptimizerWork& work, const Device& device,
                             const KernelProfile& kernels) {
  const double bytes = optimizer_bytes(work, kernels);
  OptimizerCost cost;
  if (bytes <= 0.0) return cost;
  const double own = device.kernel_rates.optimizer.bytes_per_second();
  const double bandwidth =
      own > 0.0 ? own : device.memory_bandwidth.bytes_per_second() * device.memory_efficiency;
  cost.kernels = kernel_count(work, kernels);
  cost.time = sim::Time::from_seconds(bytes / bandwidth) + device.kernel_gap * cost.kernels;
  return cost;
}

}  // namespace models
