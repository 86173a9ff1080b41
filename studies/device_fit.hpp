// Fits what a device sustains of its peak rates to measured kernels, through the cost model of
// models/ itself: the efficiencies with the least median error.
#pragma once

#include <vector>

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
};

struct DeviceFit {
  models::Device device;  // gemm_efficiency of measured precisions and memory_efficiency replaced
  std::vector<models::Precision> precisions;  // those with matrix products
  bool memory = false;                        // whether bytes were measured
  FitQuality gemm;
  FitQuality streaming;
};

// Every fourth kernel of each sort is held out.
DeviceFit fit_device(models::Device device, const std::vector<MeasuredKernel>& kernels);

double predicted_seconds(const MeasuredKernel& kernel, const models::Device& device);

}  // namespace studies
