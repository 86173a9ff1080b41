// Plain operator lists: convolutional networks and whatever is not a decoder transformer.
#include <algorithm>

#include "models/operator_builder.hpp"

namespace models {
namespace {

using detail::ceil_div;
using detail::OperatorBuilder;
using Type = ListedOperator::Type;

sim::Bytes bytes(double elements, double each) { return sim::Bytes::ceil(elements * each); }

// Convolution as an implicit GEMM: output pixels x output channels, over input patches. Padding
// keeps the size ("same"), a stride divides it.
void add_conv(OperatorBuilder& builder, const ListedOperator& listed, std::int64_t batch) {
  const double e = builder.dims().element;
  const std::int64_t height = ceil_div(listed.height, listed.stride);
  const std::int64_t width = ceil_div(listed.width, listed.stride);
  const std::int64_t pixels = batch * height * width;
  const std::int64_t in = listed.in_channels / listed.groups;
  const std::int64_t out = listed.out_channels / listed.groups;
  const std::int64_t patch = in * listed.kernel * listed.kernel;
  const double input =
      static_cast<double>(batch * listed.in_channels * listed.height * listed.width);
  const double output = static_cast<double>(pixels * listed.out_channels);
  Operator op;
  op.name = "conv2d";
  op.kind = OpKind::conv;
  op.region = Region::mlp_in;
  op.forward = detail::gemm_work(pixels, out, patch, listed.groups, e, e);
  op.backward_data = detail::gemm_work(pixels, patch, out, listed.groups, e, e);
  op.backward_weight = detail::gemm_work(out, patch, pixels, listed.groups, e, e);
  op.parameters = listed.out_channels * patch + (listed.bias ? listed.out_channels : 0);
  // Patches are gathered on the fly: memory sees the images once, not the patch matrix.
  const double weights = static_cast<double>(listed.out_channels * patch);
  for (Work* work : {&op.forward, &op.backward_data, &op.backward_weight}) {
    work->traffic = bytes(input + output + weights, e);
    work->kernels = 1;
  }
  op.saved_input = bytes(input, e);
  op.workspace = bytes(input + output, e);
  builder.add(op);
}

void add_attention(OperatorBuilder& builder, const ListedOperator& listed, const Shard& shard) {
  Transformer one;
  one.heads = one.kv_heads = listed.heads;
  one.head_dim = listed.head_dim;
  one.causal = listed.causal;
  Shard whole = shard;
  whole.seq_len = listed.tokens;
  whole.tp = whole.cp = 1;
  OperatorBuilder core(detail::dims_of(one, whole), builder.kernels());
  detail::add_attention_core(core, one, whole);
  for (Operator op : core.take()) {
    op.region = Region::mlp_in;  // a block has one region: its operators run in listed order
    op.module = Module::core_attn;
    builder.add(op);
  }
}

void add_streamed(OperatorBuilder& builder, const ListedOperator& listed, std::int64_t batch) {
  const double e = builder.dims().element;
  detail::Streamed spec{.name = "elementwise"};
  spec.elements = static_cast<double>(batch * listed.elements);
  spec.forward_bytes = 2.0 * e;
  spec.backward_bytes = 3.0 * e;
  builder.streamed(spec).saved_input = bytes(spec.elements, e);
}

void add_norm(OperatorBuilder& builder, const ListedOperator& listed, std::int64_t batch) {
  const std::int64_t features = std::max<std::int64_t>(1, listed.features);
  const Norm kind = listed.bias ? Norm::layernorm : Norm::rmsnorm;
  Operator& op = builder.norm("norm", Region::mlp_in, kind,
                              ceil_div(batch * listed.elements, features), features);
  op.modules = 0;
}

void add_embedding(OperatorBuilder& builder, const ListedOperator& listed, std::int64_t batch) {
  const double e = builder.dims().element;
  const double rows = static_cast<double>(batch * listed.tokens);
  const double elements = rows * static_cast<double>(listed.out);
  Operator op;
  op.name = "embedding";
  op.kind = OpKind::embedding;
  op.region = Region::mlp_in;
  op.parameters = listed.in * listed.out;
  op.forward.traffic = bytes(elements, 2.0 * e);
  op.forward.kernels = 1;
  op.backward_weight.traffic =
      bytes(elements, 3.0 * e) + bytes(static_cast<double>(op.parameters), e);
  op.backward_weight.kernels = 4;
  op.saved_internal = bytes(rows, 8.0);
  builder.add(op);
}

void add_listed(OperatorBuilder& builder, const ListedOperator& listed, const Shard& shard) {
  const std::int64_t batch = shard.micro_batch;
  switch (listed.type) {
    case Type::linear:
      builder.linear({.name = "linear",
                      .region = Region::mlp_in,
                      .rows = batch * listed.tokens,
                      .in = listed.in,
                      .out = listed.out,
                      .input_elements = batch * listed.tokens * listed.in,
                      .bias = listed.bias});
      break;
    case Type::conv2d:
      add_conv(builder, listed, batch);
      break;
    case Type::attention:
      add_attention(builder, listed, shard);
      break;
    case Type::norm:
      add_norm(builder, listed, batch);
      break;
    case Type::elementwise:
      add_streamed(builder, listed, batch);
      break;
    case Type::embedding:
      add_embedding(builder, listed, batch);
      break;
  }
}

}  // namespace

std::vector<Operator> block_operators(const OperatorList::Block& block, const Shard& shard,
                                      const KernelProfile& kernels) {
  detail::Dims dims = detail::dims_of(Transformer{}, shard);
  OperatorBuilder builder(dims, kernels);
  for (const ListedOperator& listed : block.operators) {
    for (std::int64_t i = 0; i < listed.repeat; ++i) add_listed(builder, listed, shard);
  }
  return builder.take();
}

}  // namespace models
