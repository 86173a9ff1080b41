// The dense MLP, also used for shared experts.
#include "models/operator_builder.hpp"

namespace models::detail {
namespace {

struct MlpSpec {
  Region in = Region::mlp_in;
  Region out = Region::mlp_out;
  Modules module = 0;      // the whole of it
  Modules activation = 0;  // its activation alone
  std::int64_t ffn = 0;    // whole inner size
  bool keeps_input = true;
  bool bias = false;
};

void add_dense(OperatorBuilder& builder, const Transformer& model, const Shard& shard,
               const MlpSpec& spec) {
  const Dims& dims = builder.dims();
  const std::int64_t ffn = ceil_div(spec.ffn, shard.tp);
  const bool keeps = builder.keeps_cheap_outputs();
  const bool apart = model.gated_mlp && builder.kernels().separate_projections;
  Linear in{.name = "mlp_in",
            .region = spec.in,
            .modules = spec.module,
            .rows = dims.tokens,
            .in = model.hidden,
            .out = model.gated_mlp && !apart ? 2 * ffn : ffn,
            .input_elements = keeps && spec.keeps_input ? dims.rows * model.hidden : 0,
            .input_freed_by = module_bit(Module::layernorm),
            .gathered_input = dims.reads_gathered,
            .bias = spec.bias};
  builder.linear(in);
  sim::Bytes up;  // output of the up projection
  if (apart) {
    up = sim::Bytes::ceil(static_cast<double>(dims.tokens * ffn) * dims.activation_input);
    in.input_elements = 0;
    in.new_input = false;
    in.modules |= module_bit(Module::alternate_mm);
    const std::size_t first = builder.size();
    builder.linear(in);
    builder.at(first).saved_internal += up;
    builder.at(first).internal_freed_by = in.modules;
  }
  const auto both = static_cast<Modules>(spec.module | spec.activation);
  Operator& act = builder.activation(spec.in, both, model.gated_mlp, dims.tokens, ffn);
  act.saved_internal -= up;
  // An unfused SiLU's output is part of what recomputing the activation makes needless to keep.
  const bool fused = builder.kernels().fused_activation || builder.kernels().compiled;
  const sim::Bytes silu = sim::Bytes::ceil(
      model.gated_mlp && !fused ? static_cast<double>(dims.tokens * ffn) * dims.element : 0.0);
  act.saved_internal -= silu;
  act.internal_freed_by = spec.module;  // its input is what recomputing it alone starts from
  const std::size_t output = builder.size();
  builder.linear({.name = "mlp_out",
                  .region = spec.out,
                  .modules = spec.module,
                  .rows = dims.tokens,
                  .in = ffn,
                  .out = model.hidden,
                  .input_elements = keeps ? dims.tokens * ffn : 0,
                  .input_freed_by = both,
                  .input_internal = true,
                  .bias = spec.bias});
  for (std::size_t i = output; i < builder.size(); ++i) {
    if (builder.at(i).internal_freed_by == both) builder.at(i).saved_internal += silu;
  }
}

}  // namespace

void add_mlp(OperatorBuilder& builder, const Transformer& model, const Shard& shard) {
  const Dims& dims = builder.dims();
  builder.norm("mlp_norm", Region::mlp_norm, model.norm, dims.rows, model.hidden);
  add_dense(builder, model, shard,
            {.module = module_bit(Module::mlp),
             .activation = module_bit(Module::act),
             .ffn = model.ffn,
             .bias = model.bias});
  builder.residual("mlp_residual", Region::mlp_residual, model.hidden, model.bias);
}

void add_shared_expert(OperatorBuilder& builder, const Transformer& model, const Shard& shard) {
  add_dense(builder, model, shard,
            {.in = Region::shared_expert,
             .out = Region::shared_expert,
             .module = module_bit(Module::moe),
             .activation = module_bit(Module::moe_act),
             .ffn = model.moe->shared_ffn,
             .keeps_input = false});  // the router keeps it
}

}  // namespace models::detail
