#include "models/operator_builder.hpp"

#include <algorithm>

namespace models::detail {
namespace {

sim::Bytes bytes(double elements, double each) { return sim::Bytes::ceil(elements * each); }

// What a loop of C++ over the experts takes the host, in launches from Python: one to enter it, a
// half for each call in it (a cast, a cuBLASLt call), an eighth (5 of 40 us) for each further bare
// launch that such a call makes.
int issued(std::int64_t tensors, int kernels) {
  if (kernels == 0) return 0;
  const std::int64_t eighths = tensors * (4 + (kernels - 1));
  return tensors > 1 ? static_cast<int>(1 + (eighths + 7) / 8) : (8 + kernels - 1 + 4) / 8;
}

double window_share(const Transformer& model, const Shard& shard) {
  const double s = static_cast<double>(shard.seq_len);
  const double w = static_cast<double>(model.window);
  if (model.window <= 0 || model.window >= shard.seq_len) return 1.0;
  return model.causal ? w / s - 0.5 * w * w / (s * s) : w / s;
}

}  // namespace

Dims dims_of(const Transformer& model, const Shard& shard) {
  Dims dims;
  const bool wide = shard.precision == Precision::fp32 || shard.precision == Precision::tf32;
  dims.element = wide ? 4.0 : 2.0;
  dims.low_precision = shard.precision == Precision::fp8 || shard.precision == Precision::fp4;
  dims.operand =
      dims.low_precision ? element_bytes(shard.precision) + shard.scale_bytes : dims.element;
  dims.gradient = shard.gradient_bytes;
  dims.cast_passes = shard.cast_passes;
  dims.cast_copies = shard.cast_copies;
  dims.cast_kernels = shard.cast_kernels;
  dims.casts_together = shard.casts_together;
  dims.swizzled = shard.swizzled_scales ? shard.scale_bytes : 0.0;
  dims.row_scales = shard.row_scales;
  dims.activation_input = saved_element_bytes(shard.saved_activation_input, dims.element);
  if (shard.saved_attention_output != SavedFormat::native) {
    dims.attention_output = saved_element_bytes(shard.saved_attention_output, dims.element);
  }
  dims.tokens = ceil_div(shard.micro_batch * shard.seq_len, shard.cp);
  dims.rows = shard.sequence_parallel ? ceil_div(dims.tokens, shard.tp) : dims.tokens;
  dims.query_rows = ceil_div(shard.seq_len, shard.cp);
  dims.heads = ceil_div(model.heads, shard.tp);
  dims.kv_heads = std::max<std::int64_t>(1, ceil_div(model.kv_heads, shard.tp));
  const double causal = model.causal ? shard.attention_share : 1.0;
  dims.score_share = std::min(causal, window_share(model, shard));
  dims.reads_gathered = shard.sequence_parallel && shard.tp > 1;
  return dims;
}

Work gemm_work(std::int64_t m, std::int64_t n, std::int64_t k, std::int64_t batch,
               double operand_bytes, double output_bytes) {
  const double dm = static_cast<double>(m), dn = static_cast<double>(n);
  const double dk = static_cast<double>(k), db = static_cast<double>(batch);
  Work work;
  work.flops = sim::Flops{2.0 * dm * dn * dk * db};
  work.traffic = bytes(db, operand_bytes * (dm * dk + dk * dn) + output_bytes * dm * dn);
  work.m = m;
  work.n = n;
  work.k = k;
  work.batch = batch;
  work.output_bytes = output_bytes;
  work.kernels = 1;
  return work;
}

void OperatorBuilder::cast(const Linear& spec) {
  // Quantise the input in forward and the output's gradient in backward, each also transposed for
  // the weight gradient where products want that (Transformer Engine); weights are cast once a
  // step and cached, which strategies/ charges.
  const double in = static_cast<double>(spec.rows * spec.in);
  const double out = static_cast<double>(spec.rows * spec.out);
  Streamed spec_cast{.name = "cast", .region = spec.region, .modules = spec.modules};
  spec_cast.elements = 1.0;
  const double each = dims_.cast_passes * dims_.element + dims_.cast_copies * dims_.operand;
  const bool turns = dims_.cast_copies > 1.0;
  const double turned = turns ? 2.0 * dims_.operand : 0.0;  // what is quantised is transposed
  spec_cast.forward_bytes = in * (spec.cast_input ? each : turned);
  spec_cast.backward_bytes = out * (spec.cast_gradient ? each : turned);
  // Transformer Engine has one kernel for all experts with delayed scaling only
  // (multi_tensor_quantize_impl); the other recipes' casts go through them one by one.
  const auto tensors = static_cast<int>(dims_.casts_together ? 1 : spec.groups);
  const auto kernels = [&](bool whole) { return whole ? dims_.cast_kernels : turns ? 1 : 0; };
  spec_cast.forward_kernels = tensors * kernels(spec.cast_input);
  spec_cast.backward_kernels = tensors * kernels(spec.cast_gradient);
  if (kernels_.fp8_recast) {
    // Forward: absolute maximum, then the cast, of input and weights. Backward: the output's
    // gradient in both layouts, input and weights again, transposed.
    const double weights = static_cast<double>(spec.groups * spec.in * spec.out);
    const double fresh = spec.new_input || !kernels_.compiled ? in : 0.0;
    spec_cast.forward_bytes = (fresh + weights) * (2.0 * dims_.element + dims_.operand);
    spec_cast.backward_bytes = out * (3.0 * dims_.element + 2.0 * dims_.operand) +
                               (fresh + weights) * (dims_.element + dims_.operand);
    // Backward with a scale a row runs the product without scales and rescales its outputs: the
    // row-wise kernel is slow where it accumulates exactly (torchao#1325).
    if (dims_.row_scales) spec_cast.backward_bytes += (in + weights) * 2.0 * dims_.element;
    spec_cast.forward_kernels = 4;
    spec_cast.backward_kernels = 5;
  }
  Operator& op = streamed(spec_cast);
  op.forward.issued = issued(tensors, tensors > 0 ? op.forward.kernels / tensors : 0);
  op.backward_data.issued = issued(tensors, op.backward_data.kernels / tensors);
  swizzle(spec, op);
}

// Products in MXFP8 and NVFP4 want the scales of both operands in an order of their own: before
// each product a kernel for each operand (Transformer Engine's swizzle_scaling_factors; since 2.6
// one for all experts). Its kernels that cast all experts at once write them so (2.13, #2586). The
// host launches them on the way to the product: an eighth each, as issued() has it.
void OperatorBuilder::swizzle(const Linear& spec, Operator& cast) const {
  const bool written_so = spec.groups > 1 && dims_.casts_together;
  if (dims_.swizzled == 0.0 || written_so || kernels_.fp8_recast) return;
  const double in = static_cast<double>(spec.rows * spec.in);
  const double out = static_cast<double>(spec.rows * spec.out);
  const double weights = static_cast<double>(spec.groups * spec.in * spec.out);
  const double moved = 2.0 * dims_.swizzled;
  cast.forward.traffic += bytes(in + weights, moved);
  cast.forward.kernels += 2;
  cast.backward_data.traffic += bytes(in + weights + 2.0 * out, moved);  // both products
  cast.backward_data.kernels += 4;
}

void OperatorBuilder::linear(const Linear& spec) {
  const bool low = dims_.low_precision && spec.cast;
  if (low) cast(spec);
  const double operand = low ? dims_.operand : dims_.element;
  const std::int64_t rows = ceil_div(spec.rows, spec.groups);
  const std::int64_t weights = spec.groups * spec.in * spec.out;
  const bool fused = kernels_.weight_gradient_accumulation_fused;
  Operator op;
  op.name = spec.name;
  op.kind = spec.groups > 1 ? OpKind::grouped_gemm : OpKind::gemm;
  op.region = spec.region;
  op.modules = spec.modules;
  op.expert = spec.expert;
  op.forward = gemm_work(rows, spec.out, spec.in, spec.groups, operand, dims_.element);
  op.backward_data = gemm_work(rows, spec.in, spec.out, spec.groups, operand, dims_.element);
  // Accumulation reads and writes the accumulator.
  const double gradient = fused ? 2.0 * dims_.gradient : dims_.element;
  op.backward_weight = gemm_work(spec.out, spec.in, rows, spec.groups, operand, gradient);
  const bool loop = spec.groups > 1 && !kernels_.grouped_kernel;
  for (Work* work : {&op.forward, &op.backward_data, &op.backward_weight}) {
    work->issued = issued(loop ? spec.groups : 1, 1);
    // A grouped product has a kernel before it that reads the groups' sizes and fills in its
    // tiles'.
    if (spec.groups > 1 && !loop) work->kernels = 2;
  }
  // Each expert's weights are a parameter of their own: in backward one more node of autograd, with
  // the hook that starts its gradient's reduction, costs what a call in the loop does.
  if (loop) op.backward_weight.issued += static_cast<int>((spec.groups + 1) / 2);
  op.parameters = spec.weights ? weights : 0;
  op.quantised = low && !kernels_.fp8_recast;
  if (spec.bias) op.parameters += spec.groups * spec.out;
  double kept = kernels_.fp8_recast ? dims_.element : operand;
  if (spec.input_bytes > 0.0) kept = spec.input_bytes;
  const sim::Bytes input = bytes(static_cast<double>(spec.input_elements), kept);
  (spec.input_internal ? op.saved_internal : op.saved_input) = input;
  (spec.input_internal ? op.internal_freed_by : op.input_freed_by) = spec.input_freed_by;
  const double in = static_cast<double>(spec.rows * spec.in);
  const double out = static_cast<double>(spec.rows * spec.out);
  op.workspace = bytes(in * (spec.gathered_input ? 2.0 : 1.0) + out, dims_.element);
  if (kernels_.stand_in_gradients && !spec.cast) {  // made anew: not a module that keeps one
    op.workspace += bytes(static_cast<double>(weights), dims_.element);
  }
  // A quantised product's delayed half reads the quantised gradient (Transformer Engine's
  // WeightGradStore holds the column-wise copy).
  op.kept_for_weight = input + bytes(out, kernels_.fp8_recast ? dims_.element : operand);
  operators_.push_back(op);
  add_gradient_kernels(spec);
}

void OperatorBuilder::add_gradient_kernels(const Linear& spec) {
  if (!spec.bias) return;
  const double out = static_cast<double>(spec.rows * spec.out);
  streamed({.name = "bias_gradient",
            .region = spec.region,
            .elements = out,
            .forward_kernels = 0,
            .backward_kernels = 0});
  operators_.back().backward_weight.traffic = bytes(out, dims_.element);
  operators_.back().backward_weight.kernels = static_cast<int>(spec.groups);
  operators_.back().expert = spec.expert;
}

Operator& OperatorBuilder::streamed(const Streamed& spec) {
  Operator op;
  op.name = spec.name;
  op.kind = spec.kind;
  op.region = spec.region;
  op.modules = spec.modules;
  op.forward.traffic = bytes(spec.elements, spec.forward_bytes);
  op.forward.kernels = spec.forward_kernels;
  op.backward_data.traffic = bytes(spec.elements, spec.backward_bytes);
  op.backward_data.kernels = spec.backward_kernels;
  operators_.push_back(op);
  return operators_.back();
}

Operator& OperatorBuilder::norm(const char* name, Region region, Norm kind, std::int64_t rows,
                                std::int64_t features) {
  const double e = dims_.element;
  const bool fused = kernels_.fused_norm || kernels_.compiled;
  Streamed spec{.name = name, .kind = OpKind::norm, .region = region};
  spec.modules =
      static_cast<Modules>(module_bit(Module::layernorm) | module_bit(Module::residual_norm));
  spec.elements = static_cast<double>(rows * features);
  // Measured: an unfused chain (to fp32, square, mean, scale, back, weight) takes as long as moving
  // 46 bytes an element in bf16 (A100 52, Liger's table; H100 45), backward 108 (A100 136, H100
  // 87). Fused kernels take 4.6 to 6 and 17 to 20 in Triton and PyTorch; Transformer Engine less.
  spec.forward_bytes = fused ? 2.4 * e : 4.0 * e + 38.0;
  spec.backward_bytes = fused ? 6.0 * e : 8.0 * e + 92.0;
  spec.forward_kernels = fused ? 1 : 7;
  spec.backward_kernels = fused ? 2 : 14;
  const bool copies = fused && kernels_.fp32_norm_input && !kernels_.compiled && e < 4.0;
  if (copies) {
    // The cast, then a kernel that reads 4 bytes; backward writes 4 and casts them down.
    spec.forward_bytes = (e + 4.0) + (4.0 + e);
    spec.backward_bytes = (e + 4.0 + 4.0) + (e + 4.0) + (4.0 + e);
    spec.forward_kernels = 2;
    spec.backward_kernels = 3;
  }
  Operator& op = streamed(spec);
  op.parameters = kind == Norm::layernorm ? 2 * features : features;
  // An unfused chain keeps the fp32 copy of its input, and the normalised values.
  op.saved_input = bytes(spec.elements, e);
  if (!fused) op.saved_internal = bytes(spec.elements, 4.0);
  if (copies) op.saved_internal = bytes(spec.elements, 4.0 - e);  // the copy, not the input
  op.internal_freed_by = spec.modules;
  op.workspace = bytes(spec.elements, 2.0 * e);
  return op;
}

Operator& OperatorBuilder::activation(Region region, Modules modules, bool gated, std::int64_t rows,
                                      std::int64_t ffn) {
  const double e = dims_.element;
  const bool fused = kernels_.fused_activation || kernels_.compiled;
  Streamed spec{.name = gated ? "swiglu" : "gelu", .region = region, .modules = modules};
  spec.elements = static_cast<double>(rows * ffn);
  if (gated) {  // unfused: SiLU, then the product
    spec.forward_bytes = fused ? 3.0 * e : 5.0 * e;
    spec.backward_bytes = fused ? 5.0 * e : 9.0 * e;
    spec.forward_kernels = fused ? 1 : 2;
    spec.backward_kernels = fused ? 1 : 3;
  } else {  // unfused: the bias is added by its own kernel
    spec.forward_bytes = fused ? 2.0 * e : 4.0 * e;
    spec.backward_bytes = 3.0 * e;
    spec.forward_kernels = fused ? 1 : 2;
  }
  const double inputs = gated ? 2.0 : 1.0;
  store(region, inputs * spec.elements, dims_.activation_input);
  Operator& op = streamed(spec);
  // Gated: gate and up projections; unfused SiLU keeps its output as well.
  const double silu = gated && !fused ? e : 0.0;
  op.saved_internal = bytes(spec.elements, inputs * dims_.activation_input + silu);
  op.workspace = bytes(spec.elements, (gated ? 3.0 : 2.0) * e);
  return op;
}

void OperatorBuilder::store(Region region, double elements, double kept) {
  if (kept >= dims_.element) return;
  streamed({.name = "store",
            .region = region,
            .elements = elements,
            .forward_bytes = dims_.element + kept,
            .backward_bytes = dims_.element + kept});
}

Operator& OperatorBuilder::residual(const char* name, Region region, std::int64_t hidden,
                                    bool bias) {
  const double e = dims_.element;
  const bool fused = kernels_.fused_bias_dropout || kernels_.compiled;
  const double mask = kernels_.dropout ? 1.0 : 0.0;
  Streamed spec{.name = name, .region = region};
  if (region == Region::attention_residual) spec.modules = module_bit(Module::residual_norm);
  spec.elements = static_cast<double>(dims_.rows * hidden);
  spec.forward_bytes = 3.0 * e + mask;
  spec.backward_bytes = 3.0 * e;  // the sum of the two branches' gradients
  if (kernels_.dropout) {
    spec.backward_bytes += 2.0 * e + mask;
    spec.backward_kernels = 2;
  }
  if (!fused) {
    spec.forward_bytes += (bias ? 2.0 * e : 0.0) + (kernels_.dropout ? 2.0 * e : 0.0);
    spec.forward_kernels += (bias ? 1 : 0) + (kernels_.dropout ? 1 : 0);
  }
  Operator& op = streamed(spec);
  op.saved_internal = bytes(spec.elements, mask);
  op.workspace = bytes(spec.elements, 2.0 * e);
  return op;
}

}  // namespace models::detail
