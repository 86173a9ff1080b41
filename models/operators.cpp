#include "models/operators.hpp"

#include <algorithm>

#include "models/operator_builder.hpp"

namespace models {
namespace {

// The largest module an operator is part of.
Module largest(Modules modules) {
  for (const Module module :
       {Module::moe, Module::mlp, Module::core_attn, Module::mla_up_proj, Module::layernorm,
        Module::moe_act, Module::act, Module::alternate_mm}) {
    if ((modules & module_bit(module)) != 0) return module;
  }
  return Module::none;
}

}  // namespace

LayerKind layer_kind(const Transformer& model, std::int64_t layer) {
  if (!model.moe || layer < model.moe->first_dense_layers) return LayerKind::dense;
  const std::int64_t every = std::max<std::int64_t>(1, model.moe->every);
  // The last of each group of `every` layers has experts (GShard, decoder_sparse_step).
  return (layer - model.moe->first_dense_layers + 1) % every == 0 ? LayerKind::moe
                                                                  : LayerKind::dense;
}

std::vector<Operator> layer_operators(const Transformer& model, LayerKind kind, const Shard& shard,
                                      const KernelProfile& kernels) {
  detail::OperatorBuilder builder(detail::dims_of(model, shard), kernels);
  detail::add_attention(builder, model, shard);
  if (kind == LayerKind::moe && model.moe) {
    detail::add_moe(builder, model, shard);
  } else {
    detail::add_mlp(builder, model, shard);
  }
  std::vector<Operator> operators = builder.take();
  for (Operator& op : operators) op.module = largest(op.modules);
  return operators;
}

}  // namespace models
