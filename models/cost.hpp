// How long a device takes for a piece of work. Formulas and their sources: docs/models.md.
#pragma once

#include "models/device.hpp"
#include "models/kernels.hpp"
#include "models/operators.hpp"
#include "sim/units.hpp"

namespace models {

enum class Pass : std::uint8_t { forward, backward_data, backward_weight };

// Device time of one pass of an operator, launch gaps between its kernels included; zero when the
// operator has no such pass.
sim::Time cost(const Operator& op, Pass pass, Precision precision, const Device& device,
               const KernelProfile& kernels);

// One GEMM (m x k).(k x n), `batch` times, in `precision`: tiles and waves over the SMs, sustained
// rate, memory roofline.
sim::Time gemm_time(std::int64_t m, std::int64_t n, std::int64_t k, std::int64_t batch,
                    Precision precision, const Device& device);

// A kernel that is bound by device memory.
sim::Time streaming_time(sim::Bytes traffic, const Device& device);

// The device's own rate for the kernel; nothing where there is none: then memory bounds it.
sim::Bandwidth KernelRates::*kernel_rate(const Operator& op, Pass pass);

}  // namespace models
