// What stands before and after the layers: embedding, final norm, output projection, loss, and the
// front of a multi-token-prediction layer.
#include <algorithm>

#include "models/operator_builder.hpp"

namespace models {
namespace {

using detail::ceil_div;
using detail::Dims;
using detail::OperatorBuilder;

sim::Bytes bytes(double elements, double each) { return sim::Bytes::ceil(elements * each); }

std::int64_t vocabulary_rows(const Transformer& model, const Shard& shard,
                             std::int64_t vocab_multiple) {
  const std::int64_t multiple = std::max<std::int64_t>(1, vocab_multiple) * shard.tp;
  return ceil_div(model.vocab, multiple) * multiple / shard.tp;
}

// Cross-entropy over this rank's logits. Fused: one pass that reads the 16-bit logits twice and
// leaves the gradient in their place, then a scaling. Unfused: to fp32, log-softmax, and back, with
// the fp32 copy kept.
void add_loss(OperatorBuilder& builder, std::int64_t vocab, std::int64_t chunks) {
  const Dims& dims = builder.dims();
  const double e = dims.element;
  const KernelProfile& kernels = builder.kernels();
  const bool compiled = kernels.compiled && kernels.compiles_loss;
  const bool fused = kernels.fused_cross_entropy || compiled;
  detail::Streamed spec{.name = "cross_entropy", .kind = OpKind::cross_entropy};
  spec.region = Region::loss;
  spec.elements = static_cast<double>(dims.tokens * vocab);
  spec.forward_bytes = fused ? 3.0 * e : 20.0 + e;
  spec.backward_bytes = fused ? 2.0 * e : 35.0 + e;
  spec.forward_kernels = (fused ? 2 : 6) * static_cast<int>(chunks);
  spec.backward_kernels = (fused ? 1 : 6) * static_cast<int>(chunks);
  if (kernels.metric_bytes > 0.0) {
    spec.forward_bytes += kernels.metric_bytes;
    spec.forward_kernels += 4;
  }
  Operator& op = builder.streamed(spec);
  // What backward starts from: the 16-bit logits or gradient, or an fp32 softmax.
  const double kept = fused ? e : 4.0;
  const double held = spec.elements / static_cast<double>(chunks);
  op.saved_internal = bytes(held, kept);
  const double most = compiled ? 2.0 * e : kernels.logits_bytes;  // the logits and their gradient
  op.workspace = bytes(held, std::max(0.0, most - kept));
}

// The output projection, a product for each part of the tokens that the loss goes through. Where
// the product does not add to the gradient of before, a pass of its own adds each further part's.
void add_head(OperatorBuilder& builder, const Transformer& model, std::int64_t vocab,
              std::int64_t chunks) {
  const Dims& dims = builder.dims();
  for (std::int64_t i = 0; i < chunks; ++i) {
    builder.linear({.name = "head",
                    .region = Region::head,
                    .rows = dims.tokens * (i + 1) / chunks - dims.tokens * i / chunks,
                    .in = model.hidden,
                    .out = vocab,
                    .input_elements = i == 0 ? dims.rows * model.hidden : 0,
                    .cast = false,  // kept in 16 bits by fp8 recipes
                    .gathered_input = dims.reads_gathered,
                    .weights = i == 0 && !model.tied_embeddings});
    if (i == 0 || builder.kernels().weight_gradient_accumulation_fused) continue;
    Operator& sum = builder.streamed({.name = "head_gradient_sum",
                                      .region = Region::head,
                                      .forward_kernels = 0,
                                      .backward_kernels = 0});
    sum.backward_weight.traffic =
        bytes(static_cast<double>(vocab * model.hidden), 3.0 * dims.element);
    sum.backward_weight.kernels = 1;
  }
}

}  // namespace

std::vector<Operator> embedding_operators(const Transformer& model, const Shard& shard,
                                          const KernelProfile& kernels,
                                          std::int64_t vocab_multiple) {
  const Dims dims = detail::dims_of(model, shard);
  OperatorBuilder builder(dims, kernels);
  const double e = dims.element;
  const double elements = static_cast<double>(dims.tokens * model.hidden);
  const std::int64_t rows = vocabulary_rows(model, shard, vocab_multiple);
  const double table = static_cast<double>(rows * model.hidden);
  const bool learned = model.position == Position::learned;
  Operator op;
  op.name = "embedding";
  op.kind = OpKind::embedding;
  op.region = Region::embedding;
  op.parameters = rows * model.hidden + (learned ? model.max_positions * model.hidden : 0);
  // PyTorch's gather runs at 0.37 of the bandwidth (Liger's table): 5 e an element instead of 2.
  op.forward.traffic = bytes(elements, learned ? 8.0 * e : 5.0 * e);
  op.forward.kernels = (shard.tp > 1 ? 5 : 1) + (learned ? 2 : 0);  // tp: mask foreign rows
  // A dense gradient: cleared, scattered into (token ids are sorted first: as long as 15 passes
  // over the tokens, same table), then added to the fp32 accumulator.
  op.backward_weight.traffic = bytes(elements, 15.0 * e) + bytes(table, 2.0 * e + 8.0);
  op.backward_weight.kernels = 5;
  op.saved_internal = bytes(static_cast<double>(dims.tokens), 8.0);  // token ids
  if (kernels.dropout) {
    const double kept = static_cast<double>(dims.rows * model.hidden);
    op.forward.traffic += bytes(kept, 2.0 * e + 1.0);
    ++op.forward.kernels;
    op.backward_data.traffic = bytes(kept, 2.0 * e + 1.0);
    op.backward_data.kernels = 1;
    op.saved_internal += bytes(kept, 1.0);
  }
  op.workspace = bytes(elements, e) + bytes(table, e);
  op.kept_for_weight = op.saved_internal + bytes(elements, e);
  builder.add(op);
  return builder.take();
}

std::vector<Operator> head_operators(const Transformer& model, const Shard& shard,
                                     const KernelProfile& kernels, std::int64_t vocab_multiple) {
  const Dims dims = detail::dims_of(model, shard);
  OperatorBuilder builder(dims, kernels);
  const std::int64_t vocab = vocabulary_rows(model, shard, vocab_multiple);
  Operator& norm =
      builder.norm("final_norm", Region::final_norm, model.norm, dims.rows, model.hidden);
  norm.modules = norm.internal_freed_by = 0;
  add_head(builder, model, vocab, shard.loss_chunks);
  add_loss(builder, vocab, shard.loss_chunks);
  return builder.take();
}

std::vector<Operator> mtp_operators(const Transformer& model, const Shard& shard,
                                    const KernelProfile& kernels) {
  const Dims dims = detail::dims_of(model, shard);
  OperatorBuilder builder(dims, kernels);
  Operator look_up;
  look_up.name = "mtp_embedding";
  look_up.kind = OpKind::embedding;
  look_up.region = Region::embedding;
  // As embedding_operators has it; the gradient is added to that of the main embedding.
  const double moved = static_cast<double>(dims.tokens * model.hidden);
  look_up.forward.traffic = bytes(moved, 5.0 * dims.element);
  look_up.forward.kernels = 1;
  look_up.backward_weight.traffic = bytes(moved, 15.0 * dims.element);
  look_up.backward_weight.kernels = 4;
  builder.add(look_up);
  builder.norm("mtp_embedding_norm", Region::embedding, model.norm, dims.rows, model.hidden);
  builder.norm("mtp_hidden_norm", Region::embedding, model.norm, dims.rows, model.hidden);
  builder.linear({.name = "mtp_projection",
                  .region = Region::embedding,
                  .rows = dims.tokens,
                  .in = 2 * model.hidden,
                  .out = ceil_div(model.hidden, shard.tp),
                  .input_elements = dims.rows * 2 * model.hidden,
                  .gathered_input = dims.reads_gathered});
  return builder.take();
}

}  // namespace models
