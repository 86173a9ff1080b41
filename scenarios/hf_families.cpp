// One function a family of configs. Key names: transformers' configuration_*.py; traps (null head
// counts, Qwen2's bias that is in no key) as those files behave.
#include <set>

#include "scenarios/hf_shape.hpp"

namespace scenarios {
namespace {

using nlohmann::json;

constexpr const char* kNone = "";  // fallback: leave the key to its default

void decoder(HfShape& shape, const char* tied) {
  shape.copy("layers", {"num_hidden_layers"});
  shape.copy("hidden", {"hidden_size"});
  shape.copy("heads", {"num_attention_heads"});
  shape.copy("kv_heads", {"num_key_value_heads"}, kNone);
  shape.copy("head_dim", {"head_dim"}, kNone);
  shape.copy("ffn", {"intermediate_size"});
  shape.copy("vocab", {"vocab_size"});
  shape.copy("max_positions", {"max_position_embeddings"}, kNone);
  shape.copy("tied_embeddings", {"tie_word_embeddings"}, tied);
}

void llama(HfShape& shape) {
  decoder(shape, "false");
  if (shape.truth("attention_bias")) {
    shape.put(shape.truth("mlp_bias") ? "bias" : "qkv_bias", "true");
  }
}

void mistral(HfShape& shape) {
  llama(shape);
  shape.copy("window", {"sliding_window"}, kNone);
}

void mixtral(HfShape& shape) {
  mistral(shape);
  shape.copy("moe.experts", {"num_local_experts", "num_experts"});
  shape.copy("moe.top_k", {"num_experts_per_tok"});
  shape.copy("moe.ffn", {"intermediate_size"});
}

void qwen2(HfShape& shape) {
  decoder(shape, "false");
  shape.put("qkv_bias", "true");
  if (shape.truth("use_sliding_window")) shape.copy("window", {"sliding_window"}, kNone);
}

// Layers without experts must come first: that is what `first_dense_layers` can say.
void dense_layers(HfShape& shape) {
  const json* list = shape.find({"mlp_only_layers"});
  if (list == nullptr || !list->is_array() || list->empty()) return;
  std::set<std::int64_t> layers;
  for (const json& item : *list) {
    if (item.is_number_integer()) layers.insert(item.get<std::int64_t>());
  }
  const auto count = static_cast<std::int64_t>(layers.size());
  const bool first = count > 0 && *layers.begin() == 0 && *layers.rbegin() == count - 1;
  if (!first) return shape.refuse("`mlp_only_layers` must be the first layers");
  shape.put("moe.first_dense_layers", std::to_string(count));
}

void qwen_experts(HfShape& shape) {
  shape.copy("moe.experts", {"num_experts", "num_local_experts"});
  shape.copy("moe.top_k", {"num_experts_per_tok"});
  shape.copy("moe.ffn", {"moe_intermediate_size"});
  shape.copy("moe.shared_ffn", {"shared_expert_intermediate_size"}, kNone);
  shape.copy("moe.every", {"decoder_sparse_step"}, kNone);
  dense_layers(shape);
}

void qwen2_moe(HfShape& shape) {
  qwen2(shape);
  qwen_experts(shape);
}

void qwen3(HfShape& shape) {
  llama(shape);
  shape.put("qk_norm", "true");
}

void qwen3_moe(HfShape& shape) {
  qwen3(shape);
  qwen_experts(shape);
}

void gemma(HfShape& shape) { decoder(shape, "true"); }

void classic(HfShape& shape, const char* position) {
  shape.put("gated_mlp", "false");
  shape.put("bias", "true");
  shape.put("norm", "layernorm");
  shape.put("position", position);
}

void gpt2(HfShape& shape) {
  classic(shape, "learned");
  shape.copy("layers", {"n_layer", "num_hidden_layers"});
  shape.copy("hidden", {"n_embd", "hidden_size"});
  shape.copy("heads", {"n_head", "num_attention_heads"});
  shape.copy("ffn", {"n_inner"}, kNone);
  shape.copy("vocab", {"vocab_size"});
  shape.copy("max_positions", {"n_positions", "max_position_embeddings"});
  shape.copy("tied_embeddings", {"tie_word_embeddings"}, "true");
}

void gpt_neox(HfShape& shape) {
  decoder(shape, "false");
  classic(shape, "rope");
}

void bloom(HfShape& shape) {
  classic(shape, "alibi");
  shape.copy("layers", {"n_layer", "num_hidden_layers"});
  shape.copy("hidden", {"hidden_size", "n_embed"});
  shape.copy("heads", {"n_head", "num_attention_heads"});
  shape.copy("vocab", {"vocab_size"});
  shape.copy("tied_embeddings", {"tie_word_embeddings"}, "true");
}

void opt(HfShape& shape) {
  classic(shape, "learned");
  shape.copy("layers", {"num_hidden_layers"});
  shape.copy("hidden", {"hidden_size"});
  shape.copy("heads", {"num_attention_heads"});
  shape.copy("ffn", {"ffn_dim"});
  shape.copy("vocab", {"vocab_size"});
  shape.put("tied_embeddings", "true");
  // The table has two more rows than positions (OPTLearnedPositionalEmbedding.offset).
  shape.put("max_positions", std::to_string(shape.number("max_position_embeddings", 2048) + 2));
  if (shape.number("word_embed_proj_dim", shape.number("hidden_size", 0)) !=
      shape.number("hidden_size", 0)) {
    shape.refuse("an embedding narrower than the model (word_embed_proj_dim) is not supported");
  }
}

void latent_attention(HfShape& shape) {
  shape.copy("mla.q_lora_rank", {"q_lora_rank"}, kNone);
  shape.copy("mla.kv_lora_rank", {"kv_lora_rank"});
  shape.copy("mla.qk_nope_head_dim", {"qk_nope_head_dim"});
  shape.copy("mla.qk_rope_head_dim", {"qk_rope_head_dim"});
  shape.copy("mla.v_head_dim", {"v_head_dim"});
  // head_dim means the rotary part in these configs; the model's is the part without position.
  shape.copy("head_dim", {"qk_nope_head_dim"});
}

void deepseek_v2(HfShape& shape) {
  decoder(shape, "false");
  latent_attention(shape);
  shape.copy("moe.experts", {"n_routed_experts", "num_local_experts"});
  shape.copy("moe.top_k", {"num_experts_per_tok"});
  shape.copy("moe.ffn", {"moe_intermediate_size"});
  shape.copy("moe.every", {"moe_layer_freq"}, kNone);
  shape.copy("moe.first_dense_layers", {"first_k_dense_replace"}, kNone);
  // Groups of experts lie on a node each.
  if (shape.number("n_group", 1) > 1) shape.copy("moe.node_limit", {"topk_group"}, kNone);
  const std::int64_t shared =
      shape.number("n_shared_experts", 0) * shape.number("moe_intermediate_size", 0);
  if (shared > 0) shape.put("moe.shared_ffn", std::to_string(shared));
}

void deepseek_v3(HfShape& shape) {
  deepseek_v2(shape);
  shape.put("moe.router_bias", "true");
}

constexpr HfFamily kFamilies[] = {
    {"llama", &llama},
    {"mistral", &mistral},
    {"mixtral", &mixtral},
    {"qwen2", &qwen2},
    {"qwen2_moe", &qwen2_moe},
    {"qwen3", &qwen3},
    {"qwen3_moe", &qwen3_moe},
    {"gemma", &gemma},
    {"phi3", &llama},
    {"gpt2", &gpt2},
    {"gpt_neox", &gpt_neox},
    {"bloom", &bloom},
    {"opt", &opt},
    {"deepseek_v2", &deepseek_v2},
    {"deepseek_v3", &deepseek_v3},
    {"kimi_k2", &deepseek_v3},
};

}  // namespace

std::span<const HfFamily> hugging_face_families() { return kFamilies; }

}  // namespace scenarios
