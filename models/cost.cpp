#include "models/cost.hpp"

#include <algorithm>

#include "models/attention_cost.hpp"
#include "models/gemm.hpp"

namespace models {
namespace {

bool is_matrix(OpKind kind) {
  return kind == OpKind::gemm || kind == OpKind::grouped_gemm || kind == OpKind::conv;
}

// fp8 and fp4 recipes leave the output projection, the router and attention in 16 bits.
Precision operand_precision(const Operator& op, Precision precision) {
  if (precision != Precision::fp8 && precision != Precision::fp4) return precision;
  const bool wide = op.region == Region::head || op.region == Region::router ||
                    op.region == Region::attention_core;
  return wide ? Precision::bf16 : precision;
}

const Work& work_of(const Operator& op, Pass pass) {
  switch (pass) {
    case Pass::forward:
      return op.forward;
    case Pass::backward_data:
      return op.backward_data;
    case Pass::backward_weight:
      return op.backward_weight;
  }
  return op.forward;
}

// Sustained bandwidth for kernels that move `traffic` each: a working set that fits in half of L2
// is still there from the kernel that wrote it.
double stream_bandwidth(double traffic, const Device& device) {
  const double memory = device.memory_bandwidth.bytes_per_second() * device.memory_efficiency;
  if (traffic > 0.5 * device.l2.as_double()) return memory;
  // 22 bytes a clock and SM: A100 3.9 TB/s, H200 6.1 TB/s (gpu-benches, gpu-small-kernels).
  const double l2 = 22.0 * device.boost_mhz * 1e6 * static_cast<double>(device.sm_count);
  return std::max(memory, l2);
}

// Transformer Engine's grouped GEMM makes one cuBLASLt call an expert from one host thread: small
// experts on B200 never took less than 8.7 us each (SimuMax's table, models/fit/gemm.csv).
constexpr double kGroupIssueSeconds = 8.7e-6;

// torch._grouped_mm's kernel starts later than its tiles say, by 11.1 us in the median of 198
// products with 64 to 256 rows an expert on an H100 (quartiles 8.6 and 15; moe_products.csv): each
// SM sets up its view of every group's operands. Weight gradients, which write more, show none.
constexpr double kGroupedStartSeconds = 11.0e-6;

// Whether rows start at multiples of 16 bytes. A row is k or n long; in the weight gradient, whose
// k counts tokens, m or n. Convolutions pad their channels.
bool is_aligned(const Operator& op, const Work& work, Pass pass, Precision precision) {
  if (op.kind == OpKind::conv || element_bytes(precision) > 2.0) return true;
  const auto row = static_cast<std::int64_t>(16.0 / element_bytes(precision));
  const std::int64_t other = pass == Pass::backward_weight ? work.m : work.k;
  return work.n % row == 0 && other % row == 0;
}

double streaming_seconds(const Operator& op, const Work& work, Pass pass, const Device& device) {
  const double traffic = work.traffic.as_double();
  if (const auto own = kernel_rate(op, pass)) {
    const double rate = (device.kernel_rates.*own).bytes_per_second();
    if (rate > 0.0) return traffic / rate;
  }
  return traffic / stream_bandwidth(traffic / static_cast<double>(work.kernels), device);
}

double matrix_seconds(const Operator& op, const Work& work, Pass pass, Precision precision,
                      const Device& device, const KernelProfile& kernels) {
  detail::GemmShape shape;
  shape.m = work.m;
  shape.n = work.n;
  shape.k = work.k;
  shape.batch = work.batch;
  shape.precision = operand_precision(op, precision);
  shape.output_bytes = work.output_bytes;
  shape.aligned = is_aligned(op, work, pass, shape.precision);
  shape.apart = op.kind == OpKind::grouped_gemm && !kernels.grouped_kernel;
  const double seconds =
      detail::gemm_seconds(shape, work.traffic.as_double(), device) / kernels.gemm_factor;
  if (op.kind != OpKind::grouped_gemm) return seconds;
  if (!shape.apart) return seconds + (pass == Pass::backward_weight ? 0.0 : kGroupedStartSeconds);
  const double calls = static_cast<double>(work.batch);
  const double spaced = seconds + calls * device.kernel_gap.seconds();
  return kernels.host_issues_experts ? std::max(spaced, kGroupIssueSeconds * calls) : spaced;
}

}  // namespace

sim::Bandwidth KernelRates::*kernel_rate(const Operator& op, Pass pass) {
  const bool forward = pass == Pass::forward;
  constexpr Modules kActivations = module_bit(Module::act) | module_bit(Module::moe_act);
  if (op.kind == OpKind::norm) return forward ? &KernelRates::norm : &KernelRates::norm_backward;
  if (op.kind == OpKind::cross_entropy) return &KernelRates::cross_entropy;
  if (op.kind != OpKind::elementwise) return nullptr;
  if (op.region == Region::attention_core) {
    return forward ? &KernelRates::softmax : &KernelRates::softmax_backward;
  }
  if (op.region == Region::attention_residual || op.region == Region::mlp_residual) {
    return &KernelRates::residual;
  }
  if ((op.modules & kActivations) == 0) return nullptr;
  return forward ? &KernelRates::activation : &KernelRates::activation_backward;
}

sim::Time cost(const Operator& op, Pass pass, Precision precision, const Device& device,
               const KernelProfile& kernels) {
  const Work& work = work_of(op, pass);
  if (work.kernels == 0) return sim::Time::zero();
  double seconds = 0.0;
  if (is_matrix(op.kind)) {
    seconds = matrix_seconds(op, work, pass, precision, device, kernels);
  } else if (op.kind == OpKind::attention) {
    seconds = detail::attention_seconds(work, pass, precision, device, kernels);
  } else {
    seconds = streaming_seconds(op, work, pass, device);
  }
  // Where the products of a group are a call each, their gaps are in the time.
  const bool calls = op.kind == OpKind::grouped_gemm && !kernels.grouped_kernel;
  const int gaps = calls ? 0 : work.kernels;
  return sim::Time::from_seconds(seconds) + device.kernel_gap * gaps;
}

sim::Time gemm_time(std::int64_t m, std::int64_t n, std::int64_t k, std::int64_t batch,
                    Precision precision, const Device& device) {
  const double e = element_bytes(precision);
  const double dm = static_cast<double>(m), dn = static_cast<double>(n);
  const double dk = static_cast<double>(k);
  const double output = std::max(e, 2.0);
  const double traffic = static_cast<double>(batch) * (e * (dm * dk + dk * dn) + output * dm * dn);
  const detail::GemmShape shape{.m = m, .n = n, .k = k, .batch = batch, .precision = precision};
  return sim::Time::from_seconds(detail::gemm_seconds(shape, traffic, device)) + device.kernel_gap;
}

sim::Time streaming_time(sim::Bytes traffic, const Device& device) {
  if (traffic.count() == 0) return sim::Time::zero();
  const double bytes = traffic.as_double();
  return sim::Time::from_seconds(bytes / stream_bandwidth(bytes, device)) + device.kernel_gap;
}

}  // namespace models
