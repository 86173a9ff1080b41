// Kernels of a training step, timed on one core while others time theirs.
#pragma once

#include <functional>
#include <vector>

#include "apps/blas.hpp"
#include "studies/device_fit.hpp"

namespace apps {

double now_seconds();  // of a steady clock

// What is measured: matrix products of linear layers of random shapes (forward and both gradients)
// and of attention, sums over the caches' sizes and far beyond, and the kernels that have rates of
// their own, at four sizes each. In random order, one of each sort before the second of any.
std::vector<studies::MeasuredKernel> kernels_to_measure();

// Called before every kernel, so that all who measure run the same one at a time. True when any of
// them passes `over`: then all of them stop.
using Meeting = std::function<bool(bool over)>;

// Seconds of each kernel, about `seconds` for all; 0 for those that a slow machine had no time left
// for (never the first few of a sort).
//
// Wall clock, for a step waits for interruptions too: the mean of a stretch of repetitions, and of
// five stretches the median. Between two stretches of a kernel all others are measured, so that no
// kernel meets nothing but a bad second of the machine. Operands come from memory, not from the
// caches: in a step a kernel finds there what others left, and a kernel that is repeated in place
// its own.
std::vector<double> time_kernels(const std::vector<studies::MeasuredKernel>& kernels,
                                 const Blas& blas, double seconds, const Meeting& meet);

// Medians over those who measured, row after row of `kernels.size()` times; without kernels that
// were not measured.
std::vector<studies::MeasuredKernel> joined(std::vector<studies::MeasuredKernel> kernels,
                                            const std::vector<double>& times);

}  // namespace apps
