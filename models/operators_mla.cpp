// Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1) as Megatron-Core trains
// it: the down-projections are replicated over tp and run on the sequence shard, the up-projections
// are split by heads, keys and values are materialised.
#include "models/operator_builder.hpp"

namespace models::detail {
namespace {

// Transformer Engine runs the latents' norms in the modules of the up-projections
// (LayerNormColumnParallelLinear), with which they are recomputed.
void join_up_projection(Operator& norm) {
  norm.modules = norm.internal_freed_by = module_bit(Module::mla_up_proj);
}

void add_down_projections(OperatorBuilder& builder, const Transformer& model) {
  const Dims& dims = builder.dims();
  const Mla& mla = *model.mla;
  const std::int64_t norm_output = builder.keeps_cheap_outputs() ? dims.rows * model.hidden : 0;
  Linear down{.region = Region::attention_in};
  down.rows = dims.rows;
  down.in = model.hidden;
  down.input_freed_by = module_bit(Module::layernorm);
  std::int64_t input = norm_output;  // both read the same tensor, the first keeps it
  if (mla.q_lora_rank > 0) {
    down.name = "q_down";
    down.out = mla.q_lora_rank;
    down.input_elements = input;
    builder.linear(down);
    input = 0;
    Operator& norm =
        builder.norm("q_norm", Region::attention_in, Norm::rmsnorm, dims.rows, mla.q_lora_rank);
    join_up_projection(norm);
  }
  down.name = "kv_down";
  down.out = mla.kv_lora_rank + mla.qk_rope_head_dim;
  down.input_elements = input;
  builder.linear(down);
  Operator& norm =
      builder.norm("kv_norm", Region::attention_in, Norm::rmsnorm, dims.rows, mla.kv_lora_rank);
  join_up_projection(norm);
}

void add_up_projections(OperatorBuilder& builder, const Transformer& model) {
  const Dims& dims = builder.dims();
  const Mla& mla = *model.mla;
  const bool keeps = builder.keeps_cheap_outputs();
  const std::int64_t key_dim = mla.qk_nope_head_dim + mla.qk_rope_head_dim;
  Linear up{.region = Region::attention_in, .modules = module_bit(Module::mla_up_proj)};
  up.rows = dims.tokens;
  up.gathered_input = dims.reads_gathered;
  up.input_freed_by = module_bit(Module::mla_up_proj);
  up.name = "q_up";
  up.in = mla.q_lora_rank > 0 ? mla.q_lora_rank : model.hidden;
  up.out = dims.heads * key_dim;
  // Without a low rank the query projection reads the layer's norm output, which kv_down keeps.
  up.input_elements = keeps && mla.q_lora_rank > 0 ? dims.rows * mla.q_lora_rank : 0;
  builder.linear(up);
  up.name = "kv_up";
  up.in = mla.kv_lora_rank;
  up.out = dims.heads * (mla.qk_nope_head_dim + mla.v_head_dim);
  up.input_elements = keeps ? dims.rows * mla.kv_lora_rank : 0;
  builder.linear(up);
  // Rotation of the positional part, and the concatenation that builds whole queries and keys.
  const double e = dims.element;
  Streamed rope{.name = "rope", .region = Region::attention_in};
  rope.modules = module_bit(Module::mla_up_proj);
  rope.elements = static_cast<double>(dims.tokens * dims.heads * (2 * key_dim + mla.v_head_dim));
  rope.forward_bytes = rope.backward_bytes = 2.0 * e;
  rope.forward_kernels = rope.backward_kernels =
      builder.kernels().compiled ? 2 : (builder.kernels().fused_rope ? 4 : 16);
  if (!builder.kernels().fused_rope && !builder.kernels().compiled) {
    rope.forward_bytes = rope.backward_bytes = 6.0 * e;
  }
  builder.streamed(rope);
}

}  // namespace

void add_mla(OperatorBuilder& builder, const Transformer& model, const Shard& shard) {
  add_down_projections(builder, model);
  add_up_projections(builder, model);
  add_attention_core(builder, model, shard);
}

}  // namespace models::detail
