// An accelerator as its data sheet and micro-benchmarks describe it. Values come from
// scenarios/catalogue/devices/*.yaml, each with its source.
#pragma once

#include <array>
#include <string>
#include <utility>

#include "models/precision.hpp"
#include "sim/units.hpp"

namespace models {

// Which attention kernels exist for the device decides how fast attention runs.
enum class Architecture : std::uint8_t {
  volta,
  turing,
  ampere,
  ada,
  hopper,
  blackwell,
  cdna,
  tpu,
  gaudi,
  cpu
};

// Kernels beside matrix products, where arithmetic and not memory bounds them (a processor core):
// rates in the bytes that a fused kernel counts in models/operators.hpp. 0 = bound by memory.
struct KernelRates {
  sim::Bandwidth norm, norm_backward;
  sim::Bandwidth activation, activation_backward;
  sim::Bandwidth softmax, softmax_backward;  // of math attention
  sim::Bandwidth residual;
  sim::Bandwidth cross_entropy;  // forward and backward together
  sim::Bandwidth optimizer;      // all of its passes
};

// As in cluster.device.kernel_rates.
using NamedRate = std::pair<const char*, sim::Bandwidth KernelRates::*>;
inline constexpr std::array<NamedRate, 9> kNamedRates{
    {{"norm", &KernelRates::norm},
     {"norm_backward", &KernelRates::norm_backward},
     {"activation", &KernelRates::activation},
     {"activation_backward", &KernelRates::activation_backward},
     {"softmax", &KernelRates::softmax},
     {"softmax_backward", &KernelRates::softmax_backward},
     {"residual", &KernelRates::residual},
     {"cross_entropy", &KernelRates::cross_entropy},
     {"optimizer", &KernelRates::optimizer}}};

struct Device {
  std::string name;
  Architecture architecture = Architecture::hopper;
  std::array<sim::FlopRate, kPrecisions> peak{};  // dense matrix rate; 0 = not supported
  sim::FlopRate vector_peak;                      // fp32 outside the matrix units
  sim::Bytes memory;                              // what the vendor calls its capacity, e.g. 80 GiB
  sim::Bytes usable_memory;                       // what nvidia-smi (or its like) reports as total
  sim::Bandwidth memory_bandwidth;
  sim::Bytes l2;
  int sm_count = 0;
  double boost_mhz = 0.0;
  double power_w = 0.0;
  sim::Bandwidth scale_up;  // NVLink / xGMI / ICI, per device, in one direction
  sim::Bandwidth pcie;      // per device, in one direction
  // Fitted on kernel measurements (models/fit/): see docs/models.md for the formulas.
  std::array<double, kPrecisions> gemm_efficiency{};  // sustained part of `peak` on large GEMMs
  // Clock of the matrix units under the steady power of training over that of short benchmarks:
  // at its power limit a device lowers its clock (docs/models.md, Power).
  double sustained_clock = 1.0;
  double memory_efficiency = 0.8;  // sustained part of memory_bandwidth
  // A core fetches and packs the operands of a product, and then multiplies: time = flops /
  // sustained rate + bytes of both operands / this. 0 = fetching hides behind arithmetic, as on
  // accelerators.
  sim::Bandwidth gemm_operand_bandwidth;
  KernelRates kernel_rates;
  double attention_efficiency = 0.5;  // sustained part of peak: forward, large head, long sequence
  sim::Time kernel_gap;               // device-side gap between back-to-back kernels of a stream
};

}  // namespace models
