// Megatron-LM's arguments as a scenario: the model and how it is run. Defaults and rules as
// megatron/training/arguments.py has them.
#include <fmt/format.h>

#include <algorithm>

#include "formats/benchmark_text.hpp"
#include "formats/megatron.hpp"
#include "formats/megatron_pattern.hpp"

namespace formats {
namespace {

constexpr std::int64_t kMostLayers = 10000;

// Vocabularies that a tokenizer's type alone says.
std::int64_t vocabulary_of(std::string_view tokenizer) {
  if (tokenizer == "GPT2BPETokenizer") return 50257;
  if (tokenizer == "Llama2Tokenizer") return 32000;
  return 0;
}

constexpr std::int64_t kUsualVocabulary = 128256;  // Llama 3's

void vocabulary(ImportDraft& draft, MegatronArguments& args) {
  const std::string tokenizer = args.text("--tokenizer-type").value_or("");
  // A NullTokenizer has an end-of-document token on top (core/tokenizers).
  const bool null = tokenizer == "NullTokenizer";
  if (const auto padded = args.count("--padded-vocab-size")) {
    return draft.set("model.vocab", *padded, args.at("--padded-vocab-size"));
  }
  if (const auto size = args.count("--vocab-size")) {
    return draft.set("model.vocab", *size + (null ? 1 : 0), args.at("--vocab-size"));
  }
  if (const std::int64_t known = vocabulary_of(tokenizer); known > 0) {
    return draft.set("model.vocab", known, args.at("--tokenizer-type"));
  }
  draft.set("model.vocab", kUsualVocabulary);
  draft.note(args.at("--tokenizer-type"),
             fmt::format("the tokenizer's vocabulary is not in the file: model.vocab {} is assumed",
                         kUsualVocabulary));
}

void position(ImportDraft& draft, MegatronArguments& args) {
  std::string kind = args.choice("--position-embedding-type", "learned_absolute",
                                 {"learned_absolute", "rope", "mrope", "relative", "none"});
  if (args.has("--use-rotary-position-embeddings")) kind = "rope";
  const Place at = args.at("--position-embedding-type");
  const auto longest = args.count("--max-position-embeddings");
  if (kind == "relative") {
    draft.note(at, "relative positions have no counterpart: position: none is assumed");
  }
  if (kind == "none" || kind == "relative") draft.set("model.position", std::string("none"), at);
  const bool learned = kind == "learned_absolute";
  if (learned) draft.set("model.position", std::string("learned"), at);
  // Without a table of them it is a limit, which says something above the sequence.
  if (longest && (learned || *longest > args.count_or("--seq-length", 0)))
    draft.set("model.max_positions", *longest, args.at("--max-position-embeddings"));
}

void window(ImportDraft& draft, MegatronArguments& args) {
  const auto text = args.text("--window-size");
  if (!text) return;
  std::string pair = *text;
  std::erase_if(pair, [](char c) { return c == '(' || c == ')' || c == ' '; });
  const auto before = count_of(std::string_view(pair).substr(0, pair.find(',')));
  const Place at = args.at("--window-size");
  if (!before || *before < -1 || *before > std::int64_t{1} << 30) {
    return draft.fault(at, fmt::format("--window-size takes two numbers, found '{}'", *text),
                       "tokens before and behind one: 4095,0");
  }
  if (*before >= 0) draft.set("model.window", *before + 1, at);  // with the token itself
}

void experts(ImportDraft& draft, MegatronArguments& args, std::int64_t layers) {
  const auto count = args.count("--num-experts", 0);
  if (!count || *count == 0) return;
  draft.set("model.moe.experts", *count, args.at("--num-experts"));
  draft.set("model.moe.top_k", args.count_or("--moe-router-topk", 2), args.at("--moe-router-topk"));
  if (const auto ffn = args.count("--moe-ffn-hidden-size")) {
    draft.set("model.moe.ffn", *ffn, args.at("--moe-ffn-hidden-size"));
  }
  if (const auto shared = args.count("--moe-shared-expert-intermediate-size")) {
    draft.set("model.moe.shared_ffn", *shared, args.at("--moe-shared-expert-intermediate-size"));
  }
  if (const auto factor = args.number("--moe-expert-capacity-factor")) {
    const Place at = args.at("--moe-expert-capacity-factor");
    draft.set("model.moe.capacity_factor", fmt::format("{}", *factor), at);
    draft.set("training.moe_balance", std::string("drop"), at);
  }
  if (args.has("--moe-router-enable-expert-bias")) {
    draft.set("model.moe.router_bias", true, args.at("--moe-router-enable-expert-bias"));
  }
  if (args.has("--moe-router-num-groups")) {
    if (const auto chosen = args.count("--moe-router-group-topk")) {
      draft.set("model.moe.node_limit", *chosen, args.at("--moe-router-group-topk"));
    }
  }
  const auto frequency = args.text("--moe-layer-freq");
  if (!frequency || layers <= 0) return;
  const Place at = args.at("--moe-layer-freq");
  std::optional<std::vector<std::int64_t>> pattern;
  if (const auto every = count_of(*frequency); every && *every > 0) {
    pattern.emplace();
    for (std::int64_t i = 0; i < layers; ++i) pattern->push_back(i % *every == 0 ? 1 : 0);
  } else {
    pattern = layer_pattern(*frequency, kMostLayers);
  }
  if (!pattern || static_cast<std::int64_t>(pattern->size()) != layers) {
    return draft.fault(
        at, fmt::format("--moe-layer-freq '{}' is no pattern of {} layers", *frequency, layers),
        fmt::format("a number, or a list such as ([0]*1+[1]*{})", layers - 1));
  }
  const auto found = expert_layers(*pattern);
  if (!found) {
    const auto with = std::max<std::int64_t>(1, std::count(pattern->begin(), pattern->end(), 1));
    draft.set("model.moe.every", layers / with, at);
    return draft.note(at,
                      fmt::format("no key says which {} of {} layers have experts: every {}. is "
                                  "assumed",
                                  with, layers, layers / with));
  }
  if (found->every > 1) draft.set("model.moe.every", found->every, at);
  if (found->first_dense > 0) draft.set("model.moe.first_dense_layers", found->first_dense, at);
}

void latent_attention(ImportDraft& draft, MegatronArguments& args) {
  const auto size = [&](const char* key, const std::string& name, std::int64_t otherwise) {
    draft.set(std::string("model.mla.") + key, args.count_or(name, otherwise), args.at(name));
  };
  if (const auto rank = args.count("--q-lora-rank")) {
    draft.set("model.mla.q_lora_rank", *rank, args.at("--q-lora-rank"));
  }
  size("kv_lora_rank", "--kv-lora-rank", 32);
  size("qk_nope_head_dim", "--qk-head-dim", 128);
  size("qk_rope_head_dim", "--qk-pos-emb-head-dim", 64);
  size("v_head_dim", "--v-head-dim", 128);
}

void heads(ImportDraft& draft, MegatronArguments& args) {
  if (args.has("--multi-latent-attention")) {
    args.has("--kv-channels");
    args.has("--group-query-attention");
    args.has("--num-query-groups");
    return latent_attention(draft, args);
  }
  if (args.has("--group-query-attention")) {
    draft.set("model.kv_heads", args.count_or("--num-query-groups", 1),
              args.at("--num-query-groups"));
  }
  if (const auto width = args.count("--kv-channels")) {
    draft.set("model.head_dim", *width, args.at("--kv-channels"));
  }
}

// How Megatron-Core runs it, where arguments change what the profile says.
void implementation(ImportDraft& draft, MegatronArguments& args) {
  draft.set("implementation.base", std::string("megatron-core"));
  const bool gated = args.has("--swiglu") || args.has("--quick-geglu");
  const auto off = [&](const std::string& name, const char* key, bool applies) {
    if (args.has(name) && applies) {
      draft.set(std::string("implementation.") + key, false, args.at(name));
    }
  };
  const std::string* attention = draft.find("training.attention");
  const std::string* positions = draft.find("model.position");
  off("--no-masked-softmax-fusion", "kernels.fused_softmax",
      attention != nullptr && *attention == "math");
  off("--no-bias-gelu-fusion", "kernels.fused_activation", !gated);
  off("--no-bias-swiglu-fusion", "kernels.fused_activation", gated);
  off("--no-bias-dropout-fusion", "kernels.fused_bias_dropout", true);
  off("--no-rope-fusion", "kernels.fused_rope", positions == nullptr);
  off("--no-gradient-accumulation-fusion", "kernels.weight_gradient_accumulation_fused", true);
  if (args.has("--cross-entropy-loss-fusion")) {
    draft.set("implementation.kernels.fused_cross_entropy", true);
  }
  const double attention_dropout = args.number("--attention-dropout").value_or(0.1);
  if (args.number("--hidden-dropout").value_or(0.1) > 0.0 || attention_dropout > 0.0) {
    draft.set("implementation.kernels.dropout", true, args.at("--hidden-dropout"));
  }
  if (const auto multiple = args.count("--make-vocab-size-divisible-by");
      multiple && *multiple != 128) {
    draft.set("implementation.vocab_multiple", *multiple,
              args.at("--make-vocab-size-divisible-by"));
  }
  if (const auto elements = args.count("--ddp-bucket-size")) {
    const std::string* type = draft.find("training.grad_dtype");
    const std::int64_t bytes = type == nullptr ? 4 : 2;
    draft.set("implementation.bucket", fmt::format("{} B", *elements * bytes),
              args.at("--ddp-bucket-size"));
  }
  if (args.has("--fp8-param-gather")) {
    draft.set("implementation.fp8_parameter_gather", true, args.at("--fp8-param-gather"));
  }
  if (const auto sms = args.count("--moe-deepep-num-sms")) {
    draft.set("implementation.expert_exchange_sms", *sms, args.at("--moe-deepep-num-sms"));
  }
}

}  // namespace

std::int64_t draft_megatron_model(ImportDraft& draft, MegatronArguments& args) {
  const auto needed = [&](const std::string& name, const char* key) {
    const auto value = args.count(name);
    if (value) draft.set(key, *value, args.at(name));
    if (!value && !args.has(name)) {
      draft.fault({}, fmt::format("{} is not in the file", name),
                  "pretrain_gpt.py cannot do without it");
    }
    return value.value_or(0);
  };
  const bool encoder = args.has("--encoder-num-layers") && !args.has("--num-layers");
  const std::string layers_name = encoder ? "--encoder-num-layers" : "--num-layers";
  std::int64_t layers = needed(layers_name, "model.layers");
  if (layers > kMostLayers) {
    draft.fault(args.at(layers_name), fmt::format("{} layers are more than any model has", layers),
                fmt::format("at most {}", kMostLayers));
    layers = 0;
  }
  const std::int64_t hidden = needed("--hidden-size", "model.hidden");
  needed("--num-attention-heads", "model.heads");
  heads(draft, args);
  const bool gated = args.has("--swiglu") || args.has("--quick-geglu");
  if (const auto ffn = args.count("--ffn-hidden-size")) {
    draft.set("model.ffn", *ffn, args.at("--ffn-hidden-size"));
  } else if (gated) {  // two thirds of four times, in multiples of 64
    draft.set("model.ffn", std::max<std::int64_t>(1, hidden * 8 / 3 / 64) * 64);
  }
  vocabulary(draft, args);
  if (!gated) draft.set("model.gated_mlp", false);
  if (!args.has("--untie-embeddings-and-output-weights")) draft.set("model.tied_embeddings", true);
  const bool bias = !args.has("--disable-bias-linear");
  if (bias) draft.set("model.bias", true);
  if (args.has("--add-qkv-bias") && !bias) draft.set("model.qkv_bias", true);
  // Of latent attention they are the norms behind the compressions, which are always there.
  if (args.has("--qk-layernorm") && !args.has("--multi-latent-attention")) {
    draft.set("model.qk_norm", true);
  }
  if (args.choice("--normalization", "LayerNorm", {"LayerNorm", "RMSNorm"}) == "LayerNorm") {
    draft.set("model.norm", std::string("layernorm"), args.at("--normalization"));
  }
  position(draft, args);
  window(draft, args);
  experts(draft, args, layers);
  if (const auto more = args.count("--mtp-num-layers", 0); more && *more > 0) {
    draft.set("model.mtp_layers", *more, args.at("--mtp-num-layers"));
  }
  return layers;
}

void draft_megatron(ImportDraft& draft) {
  MegatronArguments args(draft);
  if (args.none()) {
    draft.fault({}, "no argument of Megatron-LM is in this file",
                "a shell script that starts pretrain_gpt.py, or its arguments alone");
    return;
  }
  draft.set("name", yaml_word(file_name(draft.request().file)));
  const std::int64_t layers = draft_megatron_model(draft, args);
  draft_megatron_training(draft, args);
  draft_megatron_strategy(draft, args, layers);
  implementation(draft, args);
  args.note_rest();
}

Imported import_megatron(const ImportRequest& request) {
  ImportDraft draft(request);
  draft_megatron(draft);
  return draft.finish();
}

}  // namespace formats
