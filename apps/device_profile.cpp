#include "apps/device_profile.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace apps {
namespace {

constexpr auto kFp32 = static_cast<std::size_t>(models::Precision::fp32);

// No data sheet says what a core of a virtual machine has: the best rates seen stand for the peaks.
models::Device best_seen(const LocalMachine& machine, unsigned processes,
                         const std::vector<studies::MeasuredKernel>& kernels) {
  double rate = 0.0, bandwidth = 0.0;
  for (const studies::MeasuredKernel& k : kernels) {
    if (k.gemm) {
      const double flops = 2.0 * static_cast<double>(k.m) * static_cast<double>(k.n) *
                           static_cast<double>(k.k) * static_cast<double>(k.batch);
      rate = std::max(rate, flops / k.seconds);
    } else if (k.rate == nullptr) {
      bandwidth = std::max(bandwidth, k.bytes.as_double() / k.seconds);
    }
  }
  models::Device device;
  device.name = machine.cpu;
  device.architecture = models::Architecture::cpu;
  device.peak[kFp32] = sim::FlopRate{rate};
  device.vector_peak = sim::FlopRate{rate};
  device.memory = device.usable_memory = sim::Bytes{machine.memory / std::max(1U, processes)};
  device.memory_bandwidth = sim::Bandwidth{bandwidth};
  device.gemm_operand_bandwidth = device.memory_bandwidth;  // to be fitted
  device.sm_count = 1;
  return device;
}

}  // namespace

std::string device_quality_text(const studies::DeviceFit& fit) {
  std::string text;
  for (const auto& [name, q] : {std::pair{"matrix products", fit.gemm},
                                std::pair{"sums", fit.streaming},
                                {"other kernels", fit.rated}}) {
    if (q.points == 0) continue;
    text += fmt::format("{}: {} fitted, {} held out with median error {:.1f} %, 90 % {:.1f} %\n",
                        name, q.points, q.held_out, 100.0 * q.median, 100.0 * q.p90);
  }
  return text;
}

std::string add_local_device(const LocalMachine& machine, unsigned processes,
                             const std::vector<studies::MeasuredKernel>& kernels,
                             studies::CalibrationProfile& profile) {
  const studies::DeviceFit fit =
      studies::fit_device(best_seen(machine, processes, kernels), kernels);
  const models::Device& d = fit.device;
  profile.device = {
      {"architecture", "cpu"},
      {"peak", fmt::format("{{fp32: {:.6g} GFLOP/s}}", d.peak[kFp32].per_second() * 1e-9)},
      {"memory", fmt::format("{} B", d.memory.count())},
      {"memory_bandwidth",
       fmt::format("{:.6g} GB/s", d.memory_bandwidth.bytes_per_second() * 1e-9)},
      {"sm_count", "1"},
      // Ranks of a node exchange through its memory.
      {"scale_up_type", "pcie"},
      {"pcie", fmt::format("{:.6g} GB/s", d.memory_bandwidth.bytes_per_second() * 1e-9)},
      {"gemm_efficiency", fmt::format("{{fp32: {:.3f}}}", d.gemm_efficiency[kFp32])},
      {"gemm_operand_bandwidth",
       fmt::format("{:.4g} GB/s", d.gemm_operand_bandwidth.bytes_per_second() * 1e-9)},
      {"memory_efficiency", fmt::format("{:.3f}", d.memory_efficiency)}};
  std::string rates;
  for (const auto& [name, rate] : models::kNamedRates) {
    const double sustained = (d.kernel_rates.*rate).bytes_per_second();
    if (sustained <= 0.0) continue;
    rates += fmt::format("{}{}: {:.4g} GB/s", rates.empty() ? "" : ", ", name, sustained * 1e-9);
  }
  if (!rates.empty()) profile.device.emplace_back("kernel_rates", "{" + rates + "}");
  const std::string quality = device_quality_text(fit);
  profile.observations.emplace_back("kernels", quality);
  return fmt::format("a core: {:.1f} GFLOP/s sustained, {:.2f} GB/s sustained\n",
                     d.peak[kFp32].per_second() * d.gemm_efficiency[kFp32] * 1e-9,
                     d.memory_bandwidth.bytes_per_second() * d.memory_efficiency * 1e-9) +
         quality;
}

}  // namespace apps
