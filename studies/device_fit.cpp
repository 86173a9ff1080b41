#include "studies/device_fit.hpp"

#include <cmath>

#include "models/cost.hpp"

namespace studies {
namespace {

using Kernels = std::vector<MeasuredKernel>;

std::vector<double> errors_of(const Kernels& kernels, const models::Device& device) {
  std::vector<double> errors;
  for (const MeasuredKernel& kernel : kernels) {
    errors.push_back(std::abs(predicted_seconds(kernel, device) / kernel.seconds - 1.0));
  }
  return errors;
}

struct Split {
  Kernels train, test;
};

template <class Choose>
Split split(const Kernels& kernels, const Choose& chosen) {
  Split out;
  std::size_t index = 0;
  for (const MeasuredKernel& kernel : kernels) {
    if (!chosen(kernel)) continue;
    (index++ % 4 == 2 ? out.test : out.train).push_back(kernel);
  }
  return out;
}

// The share of the peak, in steps of 1/500, with the least median error; ties go to the least mean
// one, for the median has flat stretches.
void fit_share(double& share, const models::Device& device, const Kernels& train) {
  double best = share, least_median = 1e300, least_mean = 1e300;
  for (int step = 1; step <= 500; ++step) {
    share = static_cast<double>(step) / 500.0;
    const std::vector<double> errors = errors_of(train, device);
    double mean = 0.0;
    for (const double error : errors) mean += error / static_cast<double>(errors.size());
    const double middle = median(errors);
    if (middle > least_median || (middle == least_median && mean >= least_mean)) continue;
    least_median = middle;
    least_mean = mean;
    best = share;
  }
  share = best;
}

FitQuality quality(const Split& split, const models::Device& device) {
  const std::vector<double> known = errors_of(split.train, device);
  const std::vector<double> unseen = errors_of(split.test, device);
  return {known.size(),   median(known),         unseen.size(),
          median(unseen), quantile(unseen, 0.9), quantile(unseen, 1.0)};
}

}  // namespace

double predicted_seconds(const MeasuredKernel& kernel, const models::Device& device) {
  if (!kernel.gemm) return models::streaming_time(kernel.bytes, device).seconds();
  return models::gemm_time(kernel.m, kernel.n, kernel.k, kernel.batch, kernel.precision, device)
      .seconds();
}

DeviceFit fit_device(models::Device device, const Kernels& kernels) {
  DeviceFit out;
  const Split streams = split(kernels, [](const MeasuredKernel& k) { return !k.gemm; });
  if (!streams.train.empty()) {
    out.memory = true;
    fit_share(device.memory_efficiency, device, streams.train);
  }
  Split all_products;
  for (std::size_t p = 0; p < models::kPrecisions; ++p) {
    const auto precision = static_cast<models::Precision>(p);
    const Split products =
        split(kernels, [&](const MeasuredKernel& k) { return k.gemm && k.precision == precision; });
    if (products.train.empty() || device.peak[p].per_second() <= 0.0) continue;
    out.precisions.push_back(precision);
    fit_share(device.gemm_efficiency[p], device, products.train);
    all_products.train.insert(all_products.train.end(), products.train.begin(),
                              products.train.end());
    all_products.test.insert(all_products.test.end(), products.test.begin(), products.test.end());
  }
  out.gemm = quality(all_products, device);
  out.streaming = quality(streams, device);
  out.device = std::move(device);
  return out;
}

}  // namespace studies
