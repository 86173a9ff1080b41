// Kernels of a training step, timed on one core while others time theirs.
#pragma once

#include <functional>
#include <vector>

#include "apps/blas.hpp"
#include "studies/device_fit.hpp"

namespace apps {

double now_seconds();  // of a steady clock

// The shapes that are measured: matrix products of training steps (forward and both gradients),
// batched ones of attention, and copies and sums from the caches' sizes to far beyond them.
std::vector<studies::MeasuredKernel> kernels_to_measure();

// Median seconds of each kernel, as long as `seconds` allow. `meet` is called before every kernel
// so that all who measure run the same one at a time.
std::vector<double> time_kernels(const std::vector<studies::MeasuredKernel>& kernels,
                                 const Blas& blas, double seconds,
                                 const std::function<void()>& meet);

}  // namespace apps
