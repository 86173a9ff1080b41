// Parameter and FLOP counts of whole models, without padding or sharding.
#include <algorithm>

#include "models/operator_builder.hpp"
#include "models/operators.hpp"

namespace models {
namespace {

std::int64_t norm_parameters(const Transformer& model) {
  return model.norm == Norm::layernorm ? 2 * model.hidden : model.hidden;
}

// Matrices alone; biases and norms are added apart because FLOPs only count matrices.
std::int64_t attention_matrices(const Transformer& m) {
  if (!m.mla) return m.hidden * m.head_dim * (2 * m.heads + 2 * m.kv_heads);
  const Mla& a = *m.mla;
  const std::int64_t key_dim = a.qk_nope_head_dim + a.qk_rope_head_dim;
  std::int64_t total = m.hidden * (a.kv_lora_rank + a.qk_rope_head_dim);
  total += a.kv_lora_rank * m.heads * (a.qk_nope_head_dim + a.v_head_dim);
  total += m.heads * a.v_head_dim * m.hidden;
  total += a.q_lora_rank > 0 ? a.q_lora_rank * (m.hidden + m.heads * key_dim)
                             : m.hidden * m.heads * key_dim;
  return total;
}

std::int64_t attention_vectors(const Transformer& m) {
  std::int64_t total = m.qk_norm ? 2 * m.head_dim : 0;
  if (m.mla) return total + m.mla->q_lora_rank + m.mla->kv_lora_rank;
  if (m.bias || m.qkv_bias) total += (m.heads + 2 * m.kv_heads) * m.head_dim;
  if (m.bias) total += m.hidden;
  return total;
}

std::int64_t mlp_matrices(const Transformer& m, std::int64_t ffn) {
  return (m.gated_mlp ? 3 : 2) * m.hidden * ffn;
}

std::int64_t mlp_vectors(const Transformer& m, std::int64_t ffn) {
  return m.bias ? (m.gated_mlp ? 2 : 1) * ffn + m.hidden : 0;
}

struct LayerCount {
  std::int64_t total = 0;
  std::int64_t active = 0;
  std::int64_t experts = 0;
  std::int64_t active_matrices = 0;
};

LayerCount count_layer(const Transformer& m, LayerKind kind) {
  LayerCount count;
  std::int64_t matrices = attention_matrices(m);
  std::int64_t vectors = attention_vectors(m) + 2 * norm_parameters(m);
  if (kind == LayerKind::dense) {
    matrices += mlp_matrices(m, m.ffn);
    vectors += mlp_vectors(m, m.ffn);
    count.active_matrices = matrices;
    count.total = count.active = matrices + vectors;
    return count;
  }
  const Moe& moe = *m.moe;
  matrices += m.hidden * moe.experts + mlp_matrices(m, moe.shared_ffn);
  if (moe.router_bias) vectors += moe.experts;
  const std::int64_t expert = mlp_matrices(m, moe.ffn);
  const std::int64_t biases = mlp_vectors(m, moe.ffn);
  count.experts = moe.experts * (expert + biases);
  count.total = matrices + vectors + count.experts;
  count.active_matrices = matrices + moe.top_k * expert;
  count.active = count.active_matrices + vectors + moe.top_k * biases;
  return count;
}

// A multi-token-prediction layer beside its transformer layer: two norms, the projection, and the
// norm before the shared head.
LayerCount count_mtp(const Transformer& m) {
  LayerCount count = count_layer(m, layer_kind(m, m.layers - 1));
  const std::int64_t projection = 2 * m.hidden * m.hidden;
  const std::int64_t vectors = 3 * norm_parameters(m);
  count.total += projection + vectors;
  count.active += projection + vectors;
  count.active_matrices += projection;
  return count;
}

ParameterCount count_transformer(const Transformer& m) {
  ParameterCount count;
  count.embedding = m.vocab * m.hidden;
  if (m.position == Position::learned) count.embedding += m.max_positions * m.hidden;
  const std::int64_t head = m.tied_embeddings ? 0 : m.vocab * m.hidden;
  count.total = count.active = count.embedding + head + norm_parameters(m);
  const auto add = [&count](const LayerCount& layer) {
    count.total += layer.total;
    count.active += layer.active;
    count.experts += layer.experts;
  };
  for (std::int64_t layer = 0; layer < m.layers; ++layer) add(count_layer(m, layer_kind(m, layer)));
  for (std::int64_t layer = 0; layer < m.mtp_layers; ++layer) add(count_mtp(m));
  return count;
}

std::vector<Operator> list_operators(const OperatorList& list) {
  std::vector<Operator> all;
  for (const OperatorList::Block& block : list.blocks) {
    for (const Operator& op : block_operators(block, Shard{}, KernelProfile{})) all.push_back(op);
  }
  return all;
}

// Keys a query sees on average.
double keys_seen(const Transformer& m, double s, bool halved) {
  const double w = m.window > 0 ? std::min(static_cast<double>(m.window), s) : s;
  return halved && m.causal ? w - 0.5 * w * w / s : w;
}

ModelFlops transformer_flops(const Transformer& m, std::int64_t seq_len) {
  const double s = static_cast<double>(seq_len);
  std::int64_t matrices = (1 + m.mtp_layers) * m.vocab * m.hidden;  // the output projection
  for (std::int64_t layer = 0; layer < m.layers; ++layer) {
    matrices += count_layer(m, layer_kind(m, layer)).active_matrices;
  }
  if (m.mtp_layers > 0) matrices += m.mtp_layers * count_mtp(m).active_matrices;
  const std::int64_t dims =
      m.mla ? m.mla->qk_nope_head_dim + m.mla->qk_rope_head_dim + m.mla->v_head_dim
            : 2 * m.head_dim;
  // Scores and values: 2 FLOPs a pair and element, three times for forward and backward.
  const double pair = 6.0 * static_cast<double>(m.heads * dims * (m.layers + m.mtp_layers));
  ModelFlops flops;
  flops.matmul = 6.0 * static_cast<double>(matrices);
  flops.attention_causal = pair * keys_seen(m, s, true);
  flops.attention_full = pair * keys_seen(m, s, false);
  return flops;
}

}  // namespace

ParameterCount count_parameters(const Model& model) {
  if (const Transformer* transformer = model.transformer()) return count_transformer(*transformer);
  ParameterCount count;
  for (const Operator& op : list_operators(*model.operator_list())) {
    count.total += op.parameters;
    if (op.kind == OpKind::embedding) count.embedding += op.parameters;
  }
  count.active = count.total;
  return count;
}

ModelFlops model_flops_per_token(const Model& model, std::int64_t seq_len) {
  if (const Transformer* transformer = model.transformer()) {
    return transformer_flops(*transformer, seq_len);
  }
  ModelFlops flops;  // an operator list has samples, not tokens: one sample counts as one token
  for (const Operator& op : list_operators(*model.operator_list())) {
    const double work = 3.0 * op.forward.flops.count();
    if (op.module == Module::core_attn) {
      flops.attention_causal += work;
      flops.attention_full += work;
    } else {
      flops.matmul += work;
    }
  }
  return flops;
}

}  // namespace models
