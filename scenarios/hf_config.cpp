// Key names: transformers' configuration_*.py of each family; traps (null head counts, nested
// text_config, Qwen2's bias that is in no key) as those files behave.
#include "scenarios/hf_config.hpp"

#include <fmt/core.h>

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <vector>

#include "scenarios/text_checks.hpp"

namespace scenarios {
namespace {

using nlohmann::json;
constexpr int kMaxJsonDepth = 64;

// Takes the keys of a config and writes the keys of `model:`.
class Shape {
 public:
  Shape(const json& config, Position at, Diagnostics& diagnostics)
      : config_(config), at_(at), node_(mapping_node(at)), diagnostics_(diagnostics) {}

  const json* find(std::initializer_list<const char*> names) const {
    for (const char* name : names) {
      const auto found = config_.find(name);
      if (found != config_.end() && !found->is_null()) return &*found;
    }
    return nullptr;
  }
  // The value of the first name that is there and not null; required unless `fallback` is given.
  void copy(const char* key, std::initializer_list<const char*> names,
            const char* fallback = nullptr) {
    const json* value = find(names);
    if (value != nullptr && (value->is_number() || value->is_boolean())) {
      put(key, value->dump());
    } else if (value != nullptr) {
      diagnostics_.error(at_, std::string("model.") + key,
                         fmt::format("`{}` must be a number or true/false", *names.begin()));
    } else if (fallback == nullptr) {
      diagnostics_.error(at_, std::string("model.") + key,
                         fmt::format("the config lacks `{}`", *names.begin()));
    } else if (*fallback != '\0') {
      put(key, fallback);
    }
  }
  void put(std::string_view dotted, std::string text) {
    overlay(node_, nested(dotted, scalar_node(std::move(text), at_), at_));
  }
  bool truth(const char* name) const {
    const json* value = find({name});
    return value != nullptr && value->is_boolean() && value->get<bool>();
  }
  std::int64_t number(const char* name, std::int64_t fallback) const {
    const json* value = find({name});
    return value != nullptr && value->is_number_integer() ? value->get<std::int64_t>() : fallback;
  }
  void refuse(const std::string& message) {
    diagnostics_.error(at_, "model", message, "write the model inline, or start from a like one");
  }
  Node take() { return std::move(node_); }

 private:
  const json& config_;
  Position at_;
  Node node_;
  Diagnostics& diagnostics_;
};

constexpr const char* kNone = "";  // fallback: leave the key to its default

void decoder(Shape& shape, const char* tied) {
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

void llama(Shape& shape) {
  decoder(shape, "false");
  if (shape.truth("attention_bias")) {
    shape.put(shape.truth("mlp_bias") ? "bias" : "qkv_bias", "true");
  }
}

void mistral(Shape& shape) {
  llama(shape);
  shape.copy("window", {"sliding_window"}, kNone);
}

void mixtral(Shape& shape) {
  mistral(shape);
  shape.copy("moe.experts", {"num_local_experts", "num_experts"});
  shape.copy("moe.top_k", {"num_experts_per_tok"});
  shape.copy("moe.ffn", {"intermediate_size"});
}

void qwen2(Shape& shape) {
  decoder(shape, "false");
  shape.put("qkv_bias", "true");
  if (shape.truth("use_sliding_window")) shape.copy("window", {"sliding_window"}, kNone);
}

// Layers without experts must come first: that is what `first_dense_layers` can say.
void dense_layers(Shape& shape) {
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

void qwen_experts(Shape& shape) {
  shape.copy("moe.experts", {"num_experts", "num_local_experts"});
  shape.copy("moe.top_k", {"num_experts_per_tok"});
  shape.copy("moe.ffn", {"moe_intermediate_size"});
  shape.copy("moe.shared_ffn", {"shared_expert_intermediate_size"}, kNone);
  shape.copy("moe.every", {"decoder_sparse_step"}, kNone);
  dense_layers(shape);
}

void qwen2_moe(Shape& shape) {
  qwen2(shape);
  qwen_experts(shape);
}

void qwen3(Shape& shape) {
  llama(shape);
  shape.put("qk_norm", "true");
}

void qwen3_moe(Shape& shape) {
  qwen3(shape);
  qwen_experts(shape);
}

void gemma(Shape& shape) { decoder(shape, "true"); }

void classic(Shape& shape, const char* position) {
  shape.put("gated_mlp", "false");
  shape.put("bias", "true");
  shape.put("norm", "layernorm");
  shape.put("position", position);
}

void gpt2(Shape& shape) {
  classic(shape, "learned");
  shape.copy("layers", {"n_layer", "num_hidden_layers"});
  shape.copy("hidden", {"n_embd", "hidden_size"});
  shape.copy("heads", {"n_head", "num_attention_heads"});
  shape.copy("ffn", {"n_inner"}, kNone);
  shape.copy("vocab", {"vocab_size"});
  shape.copy("max_positions", {"n_positions", "max_position_embeddings"});
  shape.copy("tied_embeddings", {"tie_word_embeddings"}, "true");
}

void gpt_neox(Shape& shape) {
  decoder(shape, "false");
  classic(shape, "rope");
}

void bloom(Shape& shape) {
  classic(shape, "alibi");
  shape.copy("layers", {"n_layer", "num_hidden_layers"});
  shape.copy("hidden", {"hidden_size", "n_embed"});
  shape.copy("heads", {"n_head", "num_attention_heads"});
  shape.copy("vocab", {"vocab_size"});
  shape.copy("tied_embeddings", {"tie_word_embeddings"}, "true");
}

void opt(Shape& shape) {
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

void latent_attention(Shape& shape) {
  shape.copy("mla.q_lora_rank", {"q_lora_rank"}, kNone);
  shape.copy("mla.kv_lora_rank", {"kv_lora_rank"});
  shape.copy("mla.qk_nope_head_dim", {"qk_nope_head_dim"});
  shape.copy("mla.qk_rope_head_dim", {"qk_rope_head_dim"});
  shape.copy("mla.v_head_dim", {"v_head_dim"});
  // head_dim means the rotary part in these configs; the model's is the part without position.
  shape.copy("head_dim", {"qk_nope_head_dim"});
}

void deepseek_v2(Shape& shape) {
  decoder(shape, "false");
  latent_attention(shape);
  shape.copy("moe.experts", {"n_routed_experts", "num_local_experts"});
  shape.copy("moe.top_k", {"num_experts_per_tok"});
  shape.copy("moe.ffn", {"moe_intermediate_size"});
  shape.copy("moe.every", {"moe_layer_freq"}, kNone);
  shape.copy("moe.first_dense_layers", {"first_k_dense_replace"}, kNone);
  const std::int64_t shared =
      shape.number("n_shared_experts", 0) * shape.number("moe_intermediate_size", 0);
  if (shared > 0) shape.put("moe.shared_ffn", std::to_string(shared));
}

void deepseek_v3(Shape& shape) {
  deepseek_v2(shape);
  shape.put("moe.router_bias", "true");
}

struct Family {
  std::string_view type;
  void (*read)(Shape& shape);
};

constexpr Family kFamilies[] = {
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

// Refuses nesting and duplicate keys, which the JSON library accepts.
json parse_json(std::uint32_t source, const Sources& sources, Diagnostics& diagnostics) {
  std::vector<std::set<std::string>> keys(kMaxJsonDepth + 2);
  const auto watch = [&](int depth, json::parse_event_t event, json& value) {
    if (depth > kMaxJsonDepth) {
      diagnostics.fatal({source, 0, 0}, fmt::format("nesting is deeper than {}", kMaxJsonDepth));
    }
    const auto level = static_cast<std::size_t>(depth);
    if (event == json::parse_event_t::object_start) keys[level + 1].clear();
    if (event == json::parse_event_t::key && !keys[level].insert(value.get<std::string>()).second) {
      diagnostics.fatal({source, 0, 0},
                        fmt::format("duplicate key \"{}\"", value.get<std::string>()));
    }
    return true;
  };
  const std::string& text = sources[source].text;
  try {
    return json::parse(text, watch);
  } catch (const json::exception& error) {
    const auto* parse_error = dynamic_cast<const json::parse_error*>(&error);
    const std::size_t byte =
        parse_error != nullptr && parse_error->byte > 0 ? parse_error->byte - 1 : 0;
    const LineColumn at = line_column(text, std::min(byte, text.size()));
    diagnostics.fatal({source, at.line, at.column}, "not valid JSON");
  }
}

}  // namespace

Node read_hugging_face_config(const std::string& path, Sources& sources, Diagnostics& diagnostics) {
  const std::uint32_t source =
      sources.add({path, read_regular_file(path), "hugging face " + path, SourceKind::catalogue});
  const json root = parse_json(source, sources, diagnostics);
  const json* config = &root;
  if (root.is_object() && root.contains("text_config")) config = &root["text_config"];
  if (!config->is_object()) diagnostics.fatal({source, 1, 1}, "expected a JSON object");
  const auto type = config->find("model_type");
  const std::string name =
      type != config->end() && type->is_string() ? type->get<std::string>() : "";
  std::string known;
  for (const Family& family : kFamilies) {
    if (family.type == name) {
      Shape shape(*config, {source, 0, 0}, diagnostics);
      family.read(shape);
      return shape.take();
    }
    known += fmt::format("{}{}", known.empty() ? "" : ", ", family.type);
  }
  diagnostics.fatal({source, 1, 1}, fmt::format("model_type '{}' is not supported", name),
                    fmt::format("supported: {}; or write the model inline", known));
}

}  // namespace scenarios
