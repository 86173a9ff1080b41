// Time of a matrix product on a device, by tiles and waves.
//
// A kernel computes the output in tiles of `rows` x `columns`; each SM works on one tile at a time.
//   waves = ceil(tiles / SMs)                         (partly smoothed by persistent schedulers)
//   tiled = waves * (2 rows columns k / (kernel rate of one SM) + overhead), the best over the
//           tiles that libraries ship and over splits of k when tiles are fewer than SMs
//   time  = max(tiled, flops / sustained rate, traffic / sustained bandwidth) + exposed output
// Rows that do not start at 16 bytes cannot be loaded by the instructions tensor cores are fed
// with: single products take half their rate, batched ones run on the vector units
// (unaligned_rate). The kernel's own rate holds at full clock; `gemm_efficiency` of the device is
// what power and clock leave on long runs. Constants: fitted by models/fit/fit.py, see
// docs/models.md. A device with `gemm_operand_bandwidth` has no tiles: it adds the two times.
#pragma once

#include <cstdint>

#include "models/device.hpp"
#include "sim/units.hpp"

namespace models::detail {

struct GemmShape {
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  std::int64_t batch = 1;
  Precision precision = Precision::bf16;
  bool aligned = true;  // rows of all three matrices start at multiples of 16 bytes
  // The batch is a call each, over several streams: every product gets a kernel chosen for it
  // alone, and the next one fills the SMs that its last wave leaves.
  bool apart = false;
  double output_bytes = 2.0;  // moved per output: 8 where it is added into fp32 memory
};

// Dense matrix rate in `precision`; where the device lacks it, that of the format software falls
// back on (fp8 -> bf16 -> fp32, fp16 -> bf16, tf32 -> fp32).
sim::FlopRate matrix_rate(const Device& device, Precision precision);
double matrix_efficiency(const Device& device, Precision precision);

// Seconds on the device, without the kernel gap.
double gemm_seconds(const GemmShape& shape, double traffic, const Device& device);

}  // namespace models::detail
