// Self-attention: projections, rotary embedding, core, output projection.
#include <algorithm>

#include "models/operator_builder.hpp"

namespace models::detail {
namespace {

sim::Bytes bytes(double elements, double each) { return sim::Bytes::ceil(elements * each); }

// Rotary embedding over `width` elements a token. Unfused: two products, the rotated half (negate,
// concatenate) and a sum, on queries and keys apart; 38 and 46 bytes an element measured (Liger's
// table, Hugging Face rows). Complex products: to fp32, product, back to 16 bits: 2e + 16 bytes.
void add_rope(OperatorBuilder& builder, std::int64_t width) {
  const double e = builder.dims().element;
  const bool complex = builder.kernels().complex_rope;
  const bool fused = builder.kernels().fused_rope || (builder.kernels().compiled && !complex);
  Streamed spec{.name = "rope", .region = Region::attention_in};
  spec.modules = module_bit(Module::alternate_mm);
  spec.elements = static_cast<double>(builder.dims().tokens * width);
  spec.forward_bytes = fused ? 2.0 * e : 19.0 * e;
  spec.backward_bytes = fused ? 2.0 * e : 23.0 * e;
  spec.forward_kernels = spec.backward_kernels = fused ? 2 : 10;
  if (complex && !fused) {
    spec.forward_bytes = spec.backward_bytes = 2.0 * e + 16.0;
    spec.forward_kernels = spec.backward_kernels = 6;
  }
  builder.streamed(spec);
}

struct CoreShape {
  std::int64_t batch = 0;  // heads times sequences
  std::int64_t queries = 0;
  std::int64_t keys = 0;
  std::int64_t key_dim = 0;
  std::int64_t value_dim = 0;
  double kept = 0.0;  // elements of Q, K and V
  double held = 0.0;  // those that no projection keeps as its output, with what they keep alive
  double output = 0.0;
  std::int64_t parts = 1;
  bool transposed = false;  // its output is kept twice, the projection's input apart
};

CoreShape core_shape(const Transformer& model, const Shard& shard, const Dims& dims,
                     const KernelProfile& kernels) {
  CoreShape shape;
  // Where ranks share out heads, a rank has fewer of them and more of the sequence.
  const std::int64_t heads = ceil_div(dims.heads, shard.cp_heads);
  shape.batch = shard.micro_batch * heads;
  shape.queries = std::min(dims.query_rows * shard.cp_heads, shard.seq_len);
  shape.keys = shard.seq_len;
  shape.parts = shard.cp_ring;
  shape.key_dim = model.head_dim;
  shape.value_dim = model.head_dim;
  std::int64_t key_heads = dims.kv_heads;
  if (model.mla) {
    shape.key_dim = model.mla->qk_nope_head_dim + model.mla->qk_rope_head_dim;
    shape.value_dim = model.mla->v_head_dim;
    key_heads = dims.heads;
  }
  const std::int64_t per_token =
      dims.heads * shape.key_dim + key_heads * (shape.key_dim + shape.value_dim);
  shape.kept = static_cast<double>(dims.tokens * per_token);
  const bool keys_apart = kernels.separate_projections && !model.mla;
  shape.held = shape.kept - (keys_apart ? static_cast<double>(dims.tokens * key_heads) *
                                              static_cast<double>(shape.key_dim)
                                        : 0.0);
  if (kernels.packed_qkv_stays && !model.mla && key_heads == dims.heads) {
    shape.held += 2.0 * static_cast<double>(dims.tokens * key_heads * shape.key_dim);
  }
  shape.output = static_cast<double>(dims.tokens * dims.heads * shape.value_dim);
  shape.transposed = kernels.transposes_attention_output && shard.micro_batch > 1;
  return shape;
}

Operator& label_core(Operator& op, const char* name) {
  op.name = name;
  op.region = Region::attention_core;
  op.modules = module_bit(Module::core_attn);
  op.internal_freed_by = module_bit(Module::core_attn);
  return op;
}

// What joins the parts (Transformer Engine, AttnFuncWithCPAndKVP2P): keys and values in one buffer;
// each part's output scaled by its share of the softmax and added to the sum. Backward adds up the
// queries' gradients, and joins those of keys and values before it adds them to what comes around.
void add_merge(OperatorBuilder& builder, const CoreShape& shape, double queries) {
  const double e = builder.dims().element;
  const double more = static_cast<double>(shape.parts - 1);
  const double keys_and_values = shape.kept - queries;
  const double summed = 2.0 * e + 3.0 * e * more;  // the first part is written, others are added
  Operator& op = label_core(builder.streamed({.name = "merge", .elements = 1.0}), "merge");
  op.forward.traffic = bytes(shape.output, summed) + bytes(keys_and_values, 2.0 * e);
  op.forward.kernels = static_cast<int>(shape.parts + 1);
  op.backward_data.traffic =
      bytes(queries, summed) + bytes(keys_and_values, summed + 2.0 * e * (1.0 + more));
  op.backward_data.kernels = static_cast<int>(3 * shape.parts);
}

void add_flash(OperatorBuilder& builder, const CoreShape& shape) {
  const Dims& dims = builder.dims();
  const double e = dims.element;
  Operator op;
  label_core(op, "attention");
  op.kind = OpKind::attention;
  const double pairs = static_cast<double>(shape.batch) * static_cast<double>(shape.queries) *
                       static_cast<double>(shape.keys) * dims.score_share;
  // The backward kernels also rebuild the scores; cost() charges that, `flops` does not count it.
  op.forward.flops = sim::Flops{2.0 * pairs * static_cast<double>(shape.key_dim + shape.value_dim)};
  op.backward_data.flops = op.forward.flops * 2.0;
  op.forward.traffic = bytes(shape.kept + shape.output, e);
  // Reads Q, K, V, O and its gradient, writes the gradients; queries' in fp32 first.
  const double queries =
      static_cast<double>(dims.tokens * dims.heads) * static_cast<double>(shape.key_dim);
  op.backward_data.traffic =
      bytes(2.0 * shape.kept + 2.0 * shape.output, e) + bytes(queries, 8.0 + e);
  for (Work* work : {&op.forward, &op.backward_data}) {
    work->m = shape.queries;
    work->n = shape.keys;
    work->k = shape.key_dim;
    work->value_dim = shape.value_dim;
    work->batch = shape.batch;
    work->parts = shape.parts;
  }
  op.forward.kernels = static_cast<int>(shape.parts);
  op.backward_data.kernels = static_cast<int>(3 * shape.parts);
  op.saved_input = bytes(shape.held, e);
  op.saved_internal = bytes(static_cast<double>(shape.batch * shape.queries), 4.0);  // log-sum-exp
  // Backward reads the output in 16 bits; of the fp8 cast that the projection keeps it has nothing.
  const bool apart = dims.low_precision && !builder.kernels().fp8_recast;
  if (apart && dims.attention_output == 0.0) op.saved_internal += bytes(shape.output, e);
  if (shape.transposed) op.saved_internal += bytes(shape.output, e);
  op.workspace = bytes(shape.kept + shape.output, e) + bytes(queries, 4.0);
  builder.add(op);
  if (shape.parts > 1) add_merge(builder, shape, queries);
}

// Probabilities: scale, mask, softmax, dropout over the whole rectangle.
void add_softmax(OperatorBuilder& builder, const CoreShape& shape) {
  const KernelProfile& kernels = builder.kernels();
  const double e = builder.dims().element;
  const bool fused = kernels.fused_softmax || kernels.compiled;
  Streamed spec{.name = "softmax"};
  spec.elements = static_cast<double>(shape.batch) * static_cast<double>(shape.queries) *
                  static_cast<double>(shape.keys);
  // Unfused: scale, mask, to fp32, softmax in fp32, back: five kernels.
  spec.forward_bytes = fused ? 2.0 * e : 6.0 * e + 17.0;
  spec.backward_bytes = fused ? 3.0 * e : 6.0 * e + 21.0;
  spec.forward_kernels = spec.backward_kernels = fused ? 1 : 5;
  double kept = fused ? e : e + 4.0;
  if (kernels.dropout) {
    spec.forward_bytes += 2.0 * e + 1.0;
    spec.backward_bytes += 2.0 * e + 1.0;
    ++spec.forward_kernels;
    ++spec.backward_kernels;
    kept += e + 1.0;
  }
  Operator& op = label_core(builder.streamed(spec), "softmax");
  op.saved_internal = bytes(spec.elements, kept);
  op.workspace = bytes(spec.elements, 2.0 * e);
}

void add_math(OperatorBuilder& builder, const CoreShape& shape) {
  const double e = builder.dims().element;
  const std::int64_t b = shape.batch, q = shape.queries, s = shape.keys;
  Operator scores;
  label_core(scores, "scores");
  scores.kind = OpKind::gemm;
  scores.forward = gemm_work(q, s, shape.key_dim, b, e, e);
  // Gradients of queries and keys have the same shape when the keys are as many as the queries.
  scores.backward_data = gemm_work(q, shape.key_dim, s, 2 * b, e, e);
  scores.backward_data.kernels = 2;
  scores.saved_input = bytes(shape.held, e);
  scores.workspace = bytes(shape.kept, e);
  builder.add(scores);
  add_softmax(builder, shape);
  Operator values;
  label_core(values, "values");
  values.kind = OpKind::gemm;
  values.forward = gemm_work(q, shape.value_dim, s, b, e, e);
  values.backward_data = gemm_work(q, s, shape.value_dim, b, e, e);
  builder.add(values);
  Operator gradient;
  label_core(gradient, "value_gradient");
  gradient.kind = OpKind::gemm;
  gradient.backward_data = gemm_work(s, shape.value_dim, q, b, e, e);
  builder.add(gradient);
}

// What splitting one projection's output takes. Megatron-Core's lies group by group: with several
// groups a rank, queries are copied out (`query.reshape` in get_query_key_value_tensors). Backward
// concatenates (Transformer Engine's SplitAlongDim), unless attention wrote the gradients into one
// buffer, which it does where nothing stands between it and the split.
void add_qkv_split(OperatorBuilder& builder, const Transformer& model, std::int64_t queries,
                   std::int64_t all) {
  const Dims& dims = builder.dims();
  const KernelProfile& kernels = builder.kernels();
  const bool grouped = dims.kv_heads > 1 && dims.kv_heads < dims.heads;
  const bool copies = kernels.interleaved_qkv && grouped;
  const bool between = grouped || model.qk_norm || model.position == Position::rope;
  const bool joins = kernels.joined_qkv_gradient || (kernels.interleaved_qkv && between);
  if (!copies && !joins) return;
  Streamed split{.name = "split_qkv", .region = Region::attention_in};
  split.elements = static_cast<double>(dims.tokens);
  split.forward_kernels = copies ? 1 : 0;
  split.backward_kernels = joins ? 1 : 0;
  if (copies) split.forward_bytes = 2.0 * dims.element * static_cast<double>(queries);
  if (joins) split.backward_bytes = 2.0 * dims.element * static_cast<double>(all);
  builder.streamed(split);
}

// Projections to queries, keys and values: one GEMM, or three of which the keys' is the second.
void add_qkv(OperatorBuilder& builder, const Transformer& model) {
  const Dims& dims = builder.dims();
  const bool apart = builder.kernels().separate_projections;
  const std::int64_t queries = dims.heads * model.head_dim;
  const std::int64_t keys = dims.kv_heads * model.head_dim;
  Linear spec{.name = "qkv",
              .region = Region::attention_in,
              .rows = dims.tokens,
              .in = model.hidden,
              .out = apart ? queries : queries + 2 * keys,
              .input_elements = builder.keeps_cheap_outputs() ? dims.rows * model.hidden : 0,
              .input_freed_by = module_bit(Module::layernorm),
              .gathered_input = dims.reads_gathered,
              .bias = model.bias || model.qkv_bias};
  if (!apart) add_qkv_split(builder, model, queries, spec.out);
  builder.linear(spec);
  if (!apart) return;
  spec.out = keys;
  spec.input_elements = 0;
  spec.new_input = false;
  builder.linear(spec);
  spec.modules = module_bit(Module::alternate_mm);
  const std::size_t first = builder.size();
  builder.linear(spec);
  builder.at(first).saved_internal += bytes(static_cast<double>(dims.tokens * keys), dims.element);
  builder.at(first).internal_freed_by = module_bit(Module::alternate_mm);
}

}  // namespace

void add_attention_core(OperatorBuilder& builder, const Transformer& model, const Shard& shard) {
  const CoreShape shape = core_shape(model, shard, builder.dims(), builder.kernels());
  const std::size_t first = builder.size();
  if (shard.attention == AttentionKernel::flash) {
    add_flash(builder, shape);
  } else {
    add_math(builder, shape);
  }
  const Dims& dims = builder.dims();
  if (dims.attention_output > 0.0) {
    builder.store(Region::attention_core, shape.output, dims.attention_output);
  }
  if (model.mla) builder.at(first).input_freed_by |= module_bit(Module::mla_up_proj);
}

void add_attention(OperatorBuilder& builder, const Transformer& model, const Shard& shard) {
  const Dims& dims = builder.dims();
  builder.norm("attention_norm", Region::attention_norm, model.norm, dims.rows, model.hidden);
  if (model.mla) {
    add_mla(builder, model, shard);
  } else {
    add_qkv(builder, model);
    if (model.qk_norm) {
      Operator& op = builder.norm("qk_norm", Region::attention_in, Norm::rmsnorm,
                                  dims.tokens * (dims.heads + dims.kv_heads), model.head_dim);
      op.parameters = 2 * model.head_dim;  // one scale for queries, one for keys
      if (!builder.kernels().compiled) {   // and a module each
        op.forward.kernels *= 2;
        op.backward_data.kernels *= 2;
      }
      // Megatron's `layernorm` means the layer's two norms.
      op.modules = op.internal_freed_by = module_bit(Module::alternate_mm);
    }
    if (model.position == Position::rope) {
      add_rope(builder, (dims.heads + dims.kv_heads) * model.head_dim);
    }
    add_attention_core(builder, model, shard);
  }
  const std::int64_t value_dim = model.mla ? model.mla->v_head_dim : model.head_dim;
  builder.linear({.name = "attention_out",
                  .region = Region::attention_out,
                  .modules = module_bit(Module::alternate_mm),
                  .rows = dims.tokens,
                  .in = dims.heads * value_dim,
                  .out = model.hidden,
                  .input_elements = dims.tokens * dims.heads * value_dim,
                  .input_bytes = dims.attention_output,
                  .bias = model.bias});
  builder.residual("attention_residual", Region::attention_residual, model.hidden, model.bias);
}

}  // namespace models::detail
