#include "studies/device_fit.hpp"

#include <algorithm>
#include <cmath>

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

double mean(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

// The share of the peak, in steps of 1/500, with the least median error; ties go to the least mean
// one, for the median has flat stretches.
void fit_share(double& share, const models::Device& device, const Kernels& train) {
  double best = share, least_median = 1e300, least_mean = 1e300;
  for (int step = 1; step <= 500; ++step) {
    share = static_cast<double>(step) / 500.0;
    const std::vector<double> errors = errors_of(train, device);
    const double middle = median(errors), average = mean(errors);
    if (middle > least_median || (middle == least_median && average >= least_mean)) continue;
    least_median = middle;
    least_mean = average;
    best = share;
  }
  share = best;
}

// A core's rate of arithmetic, from half to twice the best rate seen of whole products, and that of
// fetching operands, from a hundredth to twice the memory's, both in steps of 2 %: the least mean
// error. The rate is the new peak if it is above the old one.
void fit_core(models::Device& device, std::size_t precision, const Kernels& train) {
  const double seen = device.peak[precision].per_second();
  const double memory = device.memory_bandwidth.bytes_per_second();
  double least = 1e300, rate = seen, operands = memory;
  models::Device trial = device;
  trial.gemm_efficiency[precision] = 1.0;
  for (double r = 0.5 * seen; r <= 2.0 * seen; r *= 1.02) {
    trial.peak[precision] = sim::FlopRate{r};
    for (double b = 0.01 * memory; b <= 2.0 * memory; b *= 1.02) {
      trial.gemm_operand_bandwidth = sim::Bandwidth{b};
      const double error = mean(errors_of(train, trial));
      if (error >= least) continue;
      least = error;
      rate = r;
      operands = b;
    }
  }
  device.gemm_operand_bandwidth = sim::Bandwidth{operands};
  const double peak = std::max(seen, rate);
  device.peak[precision] = sim::FlopRate{peak};
  device.gemm_efficiency[precision] = rate / peak;
}

double fitted_rate(const Kernels& train) {
  std::vector<double> rates;
  for (const MeasuredKernel& kernel : train) {
    rates.push_back(kernel.bytes.as_double() / kernel.seconds);
  }
  return median(rates);
}

void append(Split& all, const Split& more) {
  all.train.insert(all.train.end(), more.train.begin(), more.train.end());
  all.test.insert(all.test.end(), more.test.begin(), more.test.end());
}

FitQuality quality(const Split& split, const models::Device& device) {
  const std::vector<double> known = errors_of(split.train, device);
  const std::vector<double> unseen = errors_of(split.test, device);
  return {known.size(),   median(known),         unseen.size(),
          median(unseen), quantile(unseen, 0.9), quantile(unseen, 1.0)};
}

}  // namespace

double predicted_seconds(const MeasuredKernel& kernel, const models::Device& device) {
  if (kernel.gemm) {
    return models::gemm_time(kernel.m, kernel.n, kernel.k, kernel.batch, kernel.precision, device)
        .seconds();
  }
  if (kernel.rate == nullptr) return models::streaming_time(kernel.bytes, device).seconds();
  return kernel.bytes.as_double() / (device.kernel_rates.*kernel.rate).bytes_per_second();
}

DeviceFit fit_device(models::Device device, const Kernels& kernels) {
  DeviceFit out;
  const Split streams =
      split(kernels, [](const MeasuredKernel& k) { return !k.gemm && k.rate == nullptr; });
  if (!streams.train.empty()) {
    out.memory = true;
    fit_share(device.memory_efficiency, device, streams.train);
  }
  Split all_rated;
  for (const auto& [name, rate] : models::kNamedRates) {
    const Split rated =
        split(kernels, [&](const MeasuredKernel& k) { return !k.gemm && k.rate == rate; });
    if (rated.train.empty()) continue;
    device.kernel_rates.*rate = sim::Bandwidth{fitted_rate(rated.train)};
    append(all_rated, rated);
  }
  Split all_products;
  for (std::size_t p = 0; p < models::kPrecisions; ++p) {
    const auto precision = static_cast<models::Precision>(p);
    const Split products =
        split(kernels, [&](const MeasuredKernel& k) { return k.gemm && k.precision == precision; });
    if (products.train.empty() || device.peak[p].per_second() <= 0.0) continue;
    out.precisions.push_back(precision);
    if (device.gemm_operand_bandwidth.bytes_per_second() > 0.0) {
      fit_core(device, p, products.train);
    } else {
      fit_share(device.gemm_efficiency[p], device, products.train);
    }
    append(all_products, products);
  }
  out.gemm = quality(all_products, device);
  out.streaming = quality(streams, device);
  out.rated = quality(all_rated, device);
  out.device = std::move(device);
  return out;
}

}  // namespace studies
