// Hugging Face configs: parameter counts against the published integers.
#include <catch2/catch.hpp>

#include "models/operators.hpp"
#include "support.hpp"

using namespace support;

namespace {

scenarios::Scenario with_config(const std::string& config) {
  const TemporaryFolder folder;
  write_text(folder / "config.json", config);
  write_text(folder / "top.yaml",
             "model: {hf: config.json}\ncluster: {preset: dgx-h100}\n"
             "training: {seq_len: 512, global_batch: 64}\n");
  return scenarios::read_scenario((folder / "top.yaml").string());
}

std::string refused(const std::string& config) {
  try {
    with_config(config);
  } catch (const scenarios::ScenarioError& error) {
    return error.what();
  }
  return "accepted";
}

struct Published {
  const char* config;
  std::int64_t parameters;
};

const Published kPublished[] = {
    {R"({"model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336,
         "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
         "vocab_size": 128256, "max_position_embeddings": 8192, "tie_word_embeddings": false,
         "auto_map": {"AutoModel": "x.py"}, "torch_dtype": "bfloat16"})",
     8030261248},
    {R"({"model_type": "llama", "hidden_size": 4096, "intermediate_size": 11008,
         "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": null,
         "head_dim": null, "vocab_size": 32000})",
     6738415616},
    {R"({"model_type": "mistral", "hidden_size": 4096, "intermediate_size": 14336,
         "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
         "vocab_size": 32000, "sliding_window": 4096})",
     7241732096},
    {R"({"model_type": "mixtral", "hidden_size": 4096, "intermediate_size": 14336,
         "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
         "vocab_size": 32000, "num_local_experts": 8, "num_experts_per_tok": 2,
         "sliding_window": null})",
     46702792704},
    {R"({"model_type": "qwen2", "hidden_size": 3584, "intermediate_size": 18944,
         "num_hidden_layers": 28, "num_attention_heads": 28, "num_key_value_heads": 4,
         "vocab_size": 152064, "tie_word_embeddings": false, "use_sliding_window": false,
         "sliding_window": 131072})",
     7615616512},
    {R"({"model_type": "qwen3_moe", "hidden_size": 2048, "intermediate_size": 6144,
         "moe_intermediate_size": 768, "num_hidden_layers": 48, "num_attention_heads": 32,
         "num_key_value_heads": 4, "head_dim": 128, "vocab_size": 151936, "num_experts": 128,
         "num_experts_per_tok": 8, "decoder_sparse_step": 1, "mlp_only_layers": []})",
     30532122624},
    {R"({"model_type": "gpt2", "n_embd": 1600, "n_layer": 48, "n_head": 25, "n_positions": 1024,
         "n_inner": null, "vocab_size": 50257})",
     1557611200},
    {R"({"model_type": "deepseek_v3", "hidden_size": 7168, "intermediate_size": 18432,
         "moe_intermediate_size": 2048, "num_hidden_layers": 61, "num_attention_heads": 128,
         "num_key_value_heads": 128, "vocab_size": 129280, "q_lora_rank": 1536,
         "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128,
         "n_routed_experts": 256, "n_shared_experts": 1, "num_experts_per_tok": 8,
         "moe_layer_freq": 1, "first_k_dense_replace": 3, "num_nextn_predict_layers": 1})",
     671026419200},
    {R"({"model_type": "gemma", "hidden_size": 2048, "intermediate_size": 16384,
         "num_hidden_layers": 18, "num_attention_heads": 8, "num_key_value_heads": 1,
         "head_dim": 256, "vocab_size": 256000})",
     2506172416},
};

}  // namespace

TEST_CASE("configs give the published parameter counts") {
  for (const Published& each : kPublished) {
    INFO(each.config);
    CHECK(models::count_parameters(with_config(each.config).model).total == each.parameters);
  }
}

TEST_CASE("a config nested under text_config is found") {
  const std::string inner = kPublished[0].config;
  const auto scenario = with_config("{\"model_type\": \"mllama\", \"text_config\": " + inner + "}");
  CHECK(scenario.model.transformer()->layers == 32);
}

TEST_CASE("values of the scenario override the config") {
  const TemporaryFolder folder;
  write_text(folder / "config.json", kPublished[0].config);
  write_text(folder / "top.yaml",
             "model: {hf: config.json, layers: 4}\ncluster: dgx-h100\n"
             "training: {global_batch: 64}\n");
  CHECK(scenarios::read_scenario((folder / "top.yaml").string()).model.transformer()->layers == 4);
}

TEST_CASE("configs that cannot be read say why") {
  CHECK_THAT(refused(R"({"model_type": "mamba"})"),
             Catch::Contains("model_type 'mamba' is not supported") &&
                 Catch::Contains("supported: llama, mistral, mixtral"));
  CHECK_THAT(refused(R"({"model_type": "llama", "hidden_size": 64})"),
             Catch::Contains("the config lacks `num_hidden_layers`") &&
                 Catch::Contains("the config lacks `vocab_size`"));
  CHECK_THAT(refused(R"({"model_type": "llama", "hidden_size": "64"})"),
             Catch::Contains("`hidden_size` must be a number"));
  CHECK_THAT(refused("{\n  \"model_type\": llama}"),
             Catch::Contains("config.json:2:17: error: not valid JSON"));
  CHECK_THAT(refused(R"({"a": 1, "a": 2})"), Catch::Contains("duplicate key \"a\""));
  CHECK_THAT(refused("[1, 2]"), Catch::Contains("expected a JSON object"));
  CHECK_THAT(refused(std::string(1'000'000, '[')), Catch::Contains("deeper than 64"));
  CHECK_THAT(refused(""), Catch::Contains("not valid JSON"));
}
