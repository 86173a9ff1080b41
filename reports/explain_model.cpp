// Parameters and FLOPs of a model, by hand where a formula is short, against models/ in total.
#include <fmt/format.h>

#include "models/operators.hpp"
#include "reports/explain.hpp"

namespace reports {
namespace {

using models::Transformer;

ExplainedStep parameters(std::string quantity, std::string formula, std::string numbers,
                         std::int64_t value) {
  return {std::move(quantity), std::move(formula), std::move(numbers), static_cast<double>(value),
          "parameters"};
}

std::int64_t moe_layers(const Transformer& t) {
  std::int64_t count = 0;
  for (std::int64_t layer = 0; layer < t.layers; ++layer) {
    if (models::layer_kind(t, layer) == models::LayerKind::moe) ++count;
  }
  return count;
}

ExplainedStep attention_parameters(const Transformer& t) {
  if (t.mla) {
    const models::Mla& m = *t.mla;
    const std::int64_t qk = m.qk_nope_head_dim + m.qk_rope_head_dim;
    const std::int64_t query =
        m.q_lora_rank > 0 ? m.q_lora_rank * (t.hidden + t.heads * qk) : t.hidden * t.heads * qk;
    const std::int64_t latent = t.hidden * (m.kv_lora_rank + m.qk_rope_head_dim);
    const std::int64_t up = m.kv_lora_rank * t.heads * (m.qk_nope_head_dim + m.v_head_dim);
    const std::int64_t out = t.heads * m.v_head_dim * t.hidden;
    return parameters("attention matrices", "layers × (queries + latent + up-projection + output)",
                      fmt::format("{} × ({} + {} + {} + {})", t.layers, query, latent, up, out),
                      t.layers * (query + latent + up + out));
  }
  const std::int64_t query = t.heads * t.head_dim;
  const std::int64_t keys = t.kv_heads * t.head_dim;
  return parameters("attention matrices", "layers × hidden × (2·heads + 2·kv_heads)·head_dim",
                    fmt::format("{} × {} × (2·{} + 2·{})·{}", t.layers, t.hidden, t.heads,
                                t.kv_heads, t.head_dim),
                    t.layers * t.hidden * (2 * query + 2 * keys));
}

ExplainedStep mlp_parameters(const Transformer& t, std::int64_t dense_layers) {
  const std::int64_t matrices = t.gated_mlp ? 3 : 2;
  return parameters("MLP matrices", "dense layers × matrices × hidden × ffn",
                    fmt::format("{} × {} × {} × {}", dense_layers, matrices, t.hidden, t.ffn),
                    dense_layers * matrices * t.hidden * t.ffn);
}

ExplainedStep expert_parameters(const Transformer& t, std::int64_t layers) {
  const std::int64_t matrices = t.gated_mlp ? 3 : 2;
  const models::Moe& moe = *t.moe;
  return parameters("expert matrices",
                    "MoE layers × matrices × hidden × (experts·ffn + shared_ffn)",
                    fmt::format("{} × {} × {} × ({}·{} + {})", layers, matrices, t.hidden,
                                moe.experts, moe.ffn, moe.shared_ffn),
                    layers * matrices * t.hidden * (moe.experts * moe.ffn + moe.shared_ffn));
}

std::vector<ExplainedStep> transformer_parameters(const Transformer& t) {
  const std::int64_t with_experts = t.moe ? moe_layers(t) : 0;
  std::vector<ExplainedStep> steps;
  steps.push_back(parameters("token embedding", "vocab × hidden",
                             fmt::format("{} × {}", t.vocab, t.hidden), t.vocab * t.hidden));
  if (t.position == models::Position::learned) {
    steps.push_back(parameters("position table", "max_positions × hidden",
                               fmt::format("{} × {}", t.max_positions, t.hidden),
                               t.max_positions * t.hidden));
  }
  steps.push_back(attention_parameters(t));
  if (t.layers > with_experts) steps.push_back(mlp_parameters(t, t.layers - with_experts));
  if (with_experts > 0) steps.push_back(expert_parameters(t, with_experts));
  if (!t.tied_embeddings) {
    steps.push_back(parameters("output projection", "hidden × vocab",
                               fmt::format("{} × {}", t.hidden, t.vocab), t.hidden * t.vocab));
  }
  return steps;
}

ExplainedStep flops(std::string quantity, std::string formula, std::string numbers, double value) {
  return {std::move(quantity), std::move(formula), std::move(numbers), value, "FLOP"};
}

}  // namespace

ExplainedSection explain_parameters(const models::Model& model) {
  const models::ParameterCount count = models::count_parameters(model);
  ExplainedSection section{"Parameters", {}};
  if (const Transformer* t = model.transformer()) {
    section.steps = transformer_parameters(*t);
    std::int64_t shown = 0;
    for (const ExplainedStep& step : section.steps) shown += static_cast<std::int64_t>(step.value);
    section.steps.push_back(parameters("the rest",
                                       t->mtp_layers > 0
                                           ? "norms, biases, routers, multi-token prediction"
                                           : "norms, biases, routers",
                                       "", count.total - shown));
  }
  section.steps.push_back(parameters("total", "sum", "", count.total));
  if (count.active != count.total) {
    section.steps.push_back(
        parameters("active per token", "total − experts a token does not visit", "", count.active));
  }
  return section;
}

ExplainedSection explain_flops(const models::Model& model, std::int64_t seq_len) {
  const models::ParameterCount count = models::count_parameters(model);
  const models::ModelFlops per_token = models::model_flops_per_token(model, seq_len);
  const auto active = static_cast<double>(count.active);
  ExplainedSection section{"Model FLOPs per token, forward and backward", {}};
  auto& steps = section.steps;
  steps.push_back(flops("matrix multiplications", "6 × active matrix parameters",
                        fmt::format("6 × {:.0f}", per_token.matmul / 6.0), per_token.matmul));
  const Transformer* t = model.transformer();
  if (t != nullptr && !t->mla && t->window == 0 && t->mtp_layers == 0) {
    const std::string numbers =
        fmt::format("{} × {} × {} × {}", t->layers, seq_len, t->heads, t->head_dim);
    steps.push_back(flops("attention, causal half", "6 × layers × seq_len × heads × head_dim",
                          "6 × " + numbers, per_token.attention_causal));
    steps.push_back(flops("attention, whole square", "12 × layers × seq_len × heads × head_dim",
                          "12 × " + numbers, per_token.attention_full));
  } else {
    steps.push_back(flops("attention, causal half", "scores and values, computed half only", "",
                          per_token.attention_causal));
    steps.push_back(
        flops("attention, whole square", "scores and values", "", per_token.attention_full));
  }
  steps.push_back(flops("convention here", "matrices + causal half (MFU of this program)", "",
                        per_token.causal()));
  steps.push_back(
      flops("convention PaLM, Megatron", "matrices + whole square", "", per_token.full()));
  steps.push_back(flops("convention 6N", "6 × active parameters",
                        fmt::format("6 × {}", count.active), 6.0 * active));
  steps.push_back(flops("with full recomputation", "4/3 × (matrices + causal half)", "",
                        per_token.causal() * 4.0 / 3.0));
  return section;
}

}  // namespace reports
