// Fits what a device sustains of its peak rates to measured kernels, through the cost model of
// models/ itself: the rates with the least error.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "models/cost.hpp"
#include "models/device.hpp"
#include "studies/piecewise_fit.hpp"

namespace studies {

// A matrix product (m x k)(k x n), or so many bytes read and written.
struct MeasuredKernel {
  bool gemm = true;
  std::int64_t m = 0, n = 0, k = 0, batch = 1;
  models::Precision precision = models::Precision::fp32;
  sim::Bytes bytes;
  double seconds = 0.0;
  // A product: of which pass of a layer, for what is transposed and whether it adds to its output.
  models::Pass pass = models::Pass::forward;
  // Bytes: the rate they tell of; null = the memory's.
  sim::Bandwidth models::KernelRates::*rate = nullptr;

  // Weight gradients are added up; single products of attention are not.
  bool accumulates() const { return pass == models::Pass::backward_weight && batch == 1; }
};

struct DeviceFit {
  // gemm_efficiency of measured precisions, memory_efficiency and measured kernel_rates replaced;
  // where gemm_operand_bandwidth was not zero, it and the peak rate, too.
  models::Device device;
  std::vector<models::Precision> precisions;  // those with matrix products
  bool memory = false;                        // whether bytes were measured
  FitQuality gemm;
  FitQuality streaming;
  FitQuality rated;  // kernels with rates of their own
};

// Every fourth kernel of each sort is held out.
DeviceFit fit_device(models::Device device, const std::vector<MeasuredKernel>& kernels);

double predicted_seconds(const MeasuredKernel& kernel, const models::Device& device);

}  // namespace studies
