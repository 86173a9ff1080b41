// Mixture of experts as Megatron-Core runs it with the all-to-all dispatcher: route, permute,
// grouped GEMMs over the local experts, permute back, add the shared expert.
#include "models/moe_sizes.hpp"

namespace models::detail {
namespace {

sim::Bytes bytes(double elements, double each) { return sim::Bytes::ceil(elements * each); }

// What chooses the tokens an expert keeps (Megatron-Core's apply_router_token_dropping, padded to
// the capacity): top-k over the tokens of each expert, one block of torch's radix selection a
// column, a mask of zeros, its copy and what is scattered into it, its cast to bool, and the
// product with the probabilities. On an H100 that took what 250 to 440 bytes a token and expert
// take, with 16,384 to 4,096 tokens (models/fit/measured/h100-80gb/moe.csv). Backward multiplies by
// the mask.
void drop_tokens(Streamed& router, bool compiled) {
  router.forward_bytes += 330.0;
  router.backward_bytes += 9.0;
  router.forward_kernels += compiled ? 4 : 8;
  router.backward_kernels += 1;
}

// torch.topk selects with a block of threads a row: on an H100 10 us, and for each token 1.8 ns and
// 0.045 ns an expert, with 8 to 256 experts of which 2 to 8 are chosen
// (models/fit/measured/h100-80gb/moe_parts.csv, top_k); at its sustained 2.9 TB/s, the bytes here.
// With them Megatron-Core's unfused router takes 0.55 to 0.85 of what was measured (mcore_route),
// without them 0.1 to 0.6.
void add_selection(OperatorBuilder& builder, const Moe& moe, std::int64_t rows) {
  builder.streamed({.name = "select",
                    .region = Region::router,
                    .modules = module_bit(Module::moe),
                    .elements = static_cast<double>(rows),
                    .forward_bytes = 5200.0 + 130.0 * static_cast<double>(moe.experts),
                    .backward_kernels = 0});
}

// What sorts the copies by expert in plain PyTorch: two histograms, a radix sort of 64-bit indices
// with their places (eight passes), the scores' gather. Backward is an index_put that accumulates:
// six passes over the indices. The passes are short: on an H100 the sort takes 85 us for 16,000
// copies and 110 for 400,000, of which gaps between its kernels and their bytes explain half.
// Where other ranks hold experts, as many kernels again find where each run of what came goes; back
// accumulates by indices, too.
void add_sort(OperatorBuilder& builder, const Moe& moe, const Shard& shard, std::int64_t rows) {
  const int exchanged = shard.ep > 1 ? 1 : 0;
  builder.streamed({.name = "sort",
                    .region = Region::router,
                    .modules = module_bit(Module::moe),
                    .elements = static_cast<double>(rows * moe.top_k),
                    .forward_bytes = 8.0 * 32.0 + 40.0,
                    .backward_bytes = 6.0 * 32.0 + 40.0,
                    .forward_kernels = (builder.kernels().compiled ? 16 : 20) + 14 * exchanged,
                    .backward_kernels = (builder.kernels().compiled ? 10 : 13) + 12 * exchanged});
}

// Router GEMM, scores, top-k, and the maps that permutation needs. Works on the sequence shard.
void add_router(OperatorBuilder& builder, const Transformer& model, const Shard& shard) {
  const Dims& dims = builder.dims();
  const Moe& moe = *model.moe;
  builder.linear({.name = "router",
                  .region = Region::router,
                  .modules = module_bit(Module::moe),
                  .rows = dims.rows,
                  .in = model.hidden,
                  .out = moe.experts,
                  // Also what the dispatch and the shared expert read: the norm's output.
                  .input_elements = builder.keeps_cheap_outputs() ? dims.rows * model.hidden : 0,
                  .input_freed_by = module_bit(Module::layernorm),
                  .cast = false});
  Streamed top_k{.name = "top_k", .region = Region::router, .modules = module_bit(Module::moe)};
  top_k.elements = static_cast<double>(dims.rows * moe.experts);
  const bool compiled = builder.kernels().compiled;
  if (sorts_copies(builder, shard)) {
    // To fp32, scores, bias, gather, scale; backward clears, scatters and takes the scores' back.
    top_k.forward_bytes = 26.0;
    top_k.backward_bytes = 22.0;
    top_k.forward_kernels = compiled ? 3 : 6;
    top_k.backward_kernels = compiled ? 3 : 5;
  } else {
    // fp32 logits, scores, top-k, scatter, histogram; kernels counted in Megatron-Core's router,
    // and the sums that the exchange's sizes take in its all-to-all dispatcher's `preprocess`.
    top_k.forward_bytes = 40.0;
    top_k.backward_bytes = 24.0;
    const bool sizes_vary = builder.kernels().host_issues_experts && moe.capacity_factor == 0.0;
    const int sums = !sizes_vary || shard.exchange_routes ? 0 : shard.ep > 1 ? 7 : 2;
    top_k.forward_kernels = (compiled ? 5 : 17) + sums;  // and add_selection's
    top_k.backward_kernels = compiled ? 3 : 8;
  }
  if (moe.capacity_factor > 0.0) drop_tokens(top_k, compiled);
  Operator& op = builder.streamed(top_k);
  if (moe.router_bias) op.parameters = moe.experts;
  op.saved_internal = bytes(top_k.elements, 9.0);  // fp32 logits and scores, a byte map
  op.internal_freed_by = module_bit(Module::moe);
  add_selection(builder, moe, dims.rows);
  if (sorts_copies(builder, shard)) add_sort(builder, moe, shard, dims.rows);
}

// Biases of the experts' outputs, scaled by the routing weights, as Megatron-Core adds them
// (TEGroupedMLP._apply_bias): for each expert a product of bias and fp32 weights (4 bytes written)
// and a sum in fp32 (2 + 4 read, 4 written), then all joined (4 + 4) and cast down (4 + 2).
// Backward casts the gradient up (2 + 4) and, for each expert, down again (4 + 2), multiplies it by
// the weights and sums that over rows, by the bias and sums that over columns (4 + 4 + 4 each),
// casts the bias's gradient, and joins the parts (2 + 2). Mixed types make those 28 and 40 bytes in
// 16 bits 37 and 48, measured on an H100 (models/fit/measured/h100-80gb/moe.csv, two experts).
void add_output_bias(OperatorBuilder& builder, const MoeSizes& sizes, std::int64_t hidden) {
  const double e = builder.dims().element;
  const auto experts = static_cast<int>(sizes.local_experts);
  Streamed spec{.name = "expert_bias",
                .region = Region::mlp_out,
                .modules = module_bit(Module::moe),
                .elements = static_cast<double>(sizes.received * hidden),
                .forward_bytes = 2.0 * e + 33.0,
                .backward_bytes = 4.0 * e + 40.0,
                .forward_kernels = 2 * experts + 2,
                .backward_kernels = 6 * experts + 2};
  double temporary = 12.0;  // the product, the sum and what is joined, in fp32
  if (builder.kernels().compiled) {
    spec.forward_bytes = 2.0 * e;
    spec.backward_bytes = 2.0 * e;
    spec.forward_kernels = spec.backward_kernels = 1;
    temporary = e;
  }
  Operator& op = builder.streamed(spec);
  op.expert = true;
  op.parameters = sizes.local_experts * hidden;
  op.workspace = bytes(spec.elements, temporary);
}

void add_experts(OperatorBuilder& builder, const Transformer& model, const MoeSizes& sizes,
                 bool quantised) {
  const bool keeps = builder.keeps_cheap_outputs();
  const Modules moe = module_bit(Module::moe);
  add_padding(builder, model, Region::mlp_in, sizes);
  Linear gemm{.name = "experts_in", .region = Region::mlp_in, .modules = moe};
  gemm.rows = sizes.received;
  gemm.groups = sizes.local_experts;
  gemm.in = model.hidden;
  gemm.out = model.gated_mlp ? 2 * sizes.ffn : sizes.ffn;
  gemm.input_elements = sizes.received * model.hidden;  // the received copies, in expert order
  gemm.input_freed_by = moe;
  gemm.input_internal = true;
  gemm.expert = true;
  gemm.cast_input = !quantised;
  gemm.bias = model.bias;
  const bool apart = model.gated_mlp && builder.kernels().separate_projections;
  if (apart) gemm.out = sizes.ffn;
  builder.linear(gemm);
  if (apart) {
    gemm.input_elements = 0;
    gemm.new_input = false;
    builder.linear(gemm);
    // Autograd adds the two gradients of their input.
    builder.streamed({.name = "add_gradients",
                      .region = Region::mlp_in,
                      .elements = static_cast<double>(sizes.received * model.hidden),
                      .backward_bytes = 3.0 * builder.dims().element,
                      .forward_kernels = 0});
  }
  gemm.bias = false;
  gemm.cast_input = true;
  gemm.cast_gradient = !quantised;
  const auto both = static_cast<Modules>(moe | module_bit(Module::moe_act));
  Operator& act =
      builder.activation(Region::mlp_in, both, model.gated_mlp, sizes.received, sizes.ffn);
  act.expert = true;
  act.internal_freed_by = moe;
  // The routing weight multiplies here: one fp32 weight a row is kept.
  act.saved_internal += bytes(static_cast<double>(sizes.received), 4.0);
  gemm.name = "experts_out";
  gemm.region = Region::mlp_out;
  gemm.in = sizes.ffn;
  gemm.out = model.hidden;
  gemm.input_elements = keeps ? sizes.received * sizes.ffn : 0;
  gemm.input_freed_by = both;
  builder.linear(gemm);
  if (model.bias) add_output_bias(builder, sizes, model.hidden);
  add_padding(builder, model, Region::mlp_out, sizes);
}

}  // namespace

void add_moe(OperatorBuilder& builder, const Transformer& model, const Shard& shard) {
  const Dims& dims = builder.dims();
  const MoeSizes sizes = moe_sizes(*model.moe, shard, dims);
  builder.norm("mlp_norm", Region::mlp_norm, model.norm, dims.rows, model.hidden);
  add_router(builder, model, shard);
  const bool quantised = dims.low_precision && shard.dispatch_bytes < dims.element;
  add_dispatch(builder, model, shard, sizes, quantised);
  add_experts(builder, model, sizes, quantised);
  add_combine(builder, model, shard, sizes);
  if (model.moe->shared_ffn > 0) {
    add_shared_expert(builder, model, shard);
    const double e = dims.element;
    // Plain PyTorch adds the experts' outputs to the shared expert's as it sums them.
    if (!sorts_copies(builder, shard)) {
      builder.streamed({.name = "add_shared",
                        .region = Region::shared_expert,
                        .elements = static_cast<double>(dims.rows * model.hidden),
                        .forward_bytes = 3.0 * e,
                        .backward_bytes = 3.0 * e});
    }
  }
  builder.residual("mlp_residual", Region::mlp_residual, model.hidden, model.bias);
}

}  // namespace models::detail

namespace models {

double expert_work_over_mean(const Transformer& model, const Shard& shard) {
  const detail::MoeSizes sizes =
      detail::moe_sizes(*model.moe, shard, detail::dims_of(model, shard));
  const std::int64_t rows =
      detail::ceil_div(sizes.received, sizes.local_experts) * sizes.local_experts;
  return static_cast<double>(rows) / static_cast<double>(sizes.assigned * shard.etp);
}

}  // namespace models
