// Published parameter counts, as exact integers (model cards and files on Hugging Face).
#include <catch2/catch.hpp>

#include "models/operators.hpp"

namespace {

using models::Transformer;

Transformer gpt(std::int64_t layers, std::int64_t hidden, std::int64_t heads, std::int64_t vocab,
                std::int64_t positions) {
  Transformer t;
  t.layers = layers;
  t.hidden = hidden;
  t.heads = t.kv_heads = heads;
  t.head_dim = hidden / heads;
  t.ffn = 4 * hidden;
  t.vocab = vocab;
  t.gated_mlp = false;
  t.tied_embeddings = true;
  t.bias = true;
  t.norm = models::Norm::layernorm;
  t.position = models::Position::learned;
  t.max_positions = positions;
  return t;
}

Transformer pythia(std::int64_t layers, std::int64_t hidden, std::int64_t heads,
                   std::int64_t vocab) {
  Transformer t = gpt(layers, hidden, heads, vocab, 0);
  t.position = models::Position::rope;
  t.tied_embeddings = false;
  return t;
}

struct LlamaShape {
  std::int64_t layers, hidden, heads, kv_heads, ffn, vocab;
  std::int64_t head_dim = 0;
};

Transformer llama(const LlamaShape& s) {
  Transformer t;
  t.layers = s.layers;
  t.hidden = s.hidden;
  t.heads = s.heads;
  t.kv_heads = s.kv_heads;
  t.head_dim = s.head_dim > 0 ? s.head_dim : s.hidden / s.heads;
  t.ffn = s.ffn;
  t.vocab = s.vocab;
  return t;
}

Transformer qwen2(const LlamaShape& s, bool tied = false) {
  Transformer t = llama(s);
  t.qkv_bias = true;
  t.tied_embeddings = tied;
  return t;
}

Transformer qwen3(const LlamaShape& s, bool tied = false) {
  Transformer t = llama(s);
  t.qk_norm = true;
  t.tied_embeddings = tied;
  return t;
}

Transformer with_moe(Transformer t, const models::Moe& moe) {
  t.moe = moe;
  return t;
}

Transformer deepseek(Transformer t, std::int64_t q_lora, const models::Moe& moe) {
  t.mla = models::Mla{q_lora, 512, 128, 64, 128};
  t.moe = moe;
  return t;
}

struct Row {
  const char* name;
  Transformer model;
  std::int64_t total;
  std::int64_t active = 0;  // 0 = all
};

std::vector<Row> dense_rows() {
  return {
      {"gpt2", gpt(12, 768, 12, 50257, 1024), 124439808},
      {"gpt2-medium", gpt(24, 1024, 16, 50257, 1024), 354823168},
      {"gpt2-large", gpt(36, 1280, 20, 50257, 1024), 774030080},
      {"gpt2-xl", gpt(48, 1600, 25, 50257, 1024), 1557611200},
      {"gpt3-175b", gpt(96, 12288, 96, 50257, 2048), 174604259328},
      // OPT has two position rows more than positions.
      {"opt-125m", gpt(12, 768, 12, 50272, 2050), 125239296},
      {"opt-1.3b", gpt(24, 2048, 32, 50272, 2050), 1315758080},
      {"opt-6.7b", gpt(32, 4096, 32, 50272, 2050), 6658473984},
      {"opt-13b", gpt(40, 5120, 40, 50272, 2050), 12853473280},
      {"opt-30b", gpt(48, 7168, 56, 50272, 2050), 29974540288},
      {"opt-66b", gpt(64, 9216, 72, 50272, 2050), 65719701504},
      {"pythia-70m", pythia(6, 512, 8, 50304), 70426624},
      {"pythia-410m", pythia(24, 1024, 16, 50304), 405334016},
      {"pythia-1.4b", pythia(24, 2048, 16, 50304), 1414647808},
      {"pythia-6.9b", pythia(32, 4096, 32, 50432), 6857302016},
      {"pythia-12b", pythia(36, 5120, 40, 50688), 11846072320},
      {"gpt-neox-20b", pythia(44, 6144, 64, 50432), 20554567680},
      {"llama-7b", llama({32, 4096, 32, 32, 11008, 32000}), 6738415616},
      {"llama-13b", llama({40, 5120, 40, 40, 13824, 32000}), 13015864320},
      {"llama-30b", llama({60, 6656, 52, 52, 17920, 32000}), 32528943616},
      {"llama-65b", llama({80, 8192, 64, 64, 22016, 32000}), 65285660672},
      {"llama2-70b", llama({80, 8192, 64, 8, 28672, 32000}), 68976648192},
      {"llama3-8b", llama({32, 4096, 32, 8, 14336, 128256}), 8030261248},
      {"llama3-70b", llama({80, 8192, 64, 8, 28672, 128256}), 70553706496},
      {"llama3.1-405b", llama({126, 16384, 128, 8, 53248, 128256}), 405853388800},
      {"tinyllama-1.1b", llama({22, 2048, 32, 4, 5632, 32000}), 1100048384},
      {"mistral-7b-v0.1", llama({32, 4096, 32, 8, 14336, 32000}), 7241732096},
      {"mistral-7b-v0.3", llama({32, 4096, 32, 8, 14336, 32768}), 7248023552},
      {"mistral-nemo-12b", llama({40, 5120, 32, 8, 14336, 131072, 128}), 12247782400},
      {"deepseek-llm-7b", llama({30, 4096, 32, 32, 11008, 102400}), 6910365696},
  };
}

std::vector<Row> qwen_and_moe_rows() {
  const models::Moe qwen_moe{.experts = 128, .top_k = 8, .ffn = 768};
  models::Moe large_qwen = qwen_moe;
  large_qwen.ffn = 1536;
  const models::Moe v3{.experts = 256,
                       .top_k = 8,
                       .ffn = 2048,
                       .shared_ffn = 2048,
                       .first_dense_layers = 3,
                       .router_bias = true};
  const models::Moe v2{
      .experts = 160, .top_k = 6, .ffn = 1536, .shared_ffn = 3072, .first_dense_layers = 1};
  const models::Moe lite{
      .experts = 64, .top_k = 6, .ffn = 1408, .shared_ffn = 2816, .first_dense_layers = 1};
  models::Moe kimi = v3;
  kimi.experts = 384;
  kimi.first_dense_layers = 1;
  const models::Moe eight{.experts = 8, .top_k = 2, .ffn = 14336};
  const models::Moe eight_large{.experts = 8, .top_k = 2, .ffn = 16384};
  return {
      {"qwen2-0.5b", qwen2({24, 896, 14, 2, 4864, 151936}, true), 494032768},
      {"qwen2-1.5b", qwen2({28, 1536, 12, 2, 8960, 151936}, true), 1543714304},
      {"qwen2-7b", qwen2({28, 3584, 28, 4, 18944, 152064}), 7615616512},
      {"qwen2.5-14b", qwen2({48, 5120, 40, 8, 13824, 152064}), 14770033664},
      {"qwen2.5-32b", qwen2({64, 5120, 40, 8, 27648, 152064}), 32763876352},
      {"qwen2-72b", qwen2({80, 8192, 64, 8, 29568, 152064}), 72706203648},
      {"qwen3-0.6b", qwen3({28, 1024, 16, 8, 3072, 151936, 128}, true), 596049920},
      {"qwen3-8b", qwen3({36, 4096, 32, 8, 12288, 151936, 128}), 8190735360},
      {"qwen3-14b", qwen3({40, 5120, 40, 8, 17408, 151936, 128}), 14768307200},
      {"qwen3-32b", qwen3({64, 5120, 64, 8, 25600, 151936, 128}), 32762123264},
      {"qwen3-30b-a3b", with_moe(qwen3({48, 2048, 32, 4, 6144, 151936, 128}), qwen_moe),
       30532122624, 3353032704},
      {"qwen3-235b-a22b", with_moe(qwen3({94, 4096, 64, 4, 12288, 151936, 128}), large_qwen),
       235093634560, 22190763520},
      {"mixtral-8x7b", with_moe(llama({32, 4096, 32, 8, 14336, 32000}), eight), 46702792704,
       12879925248},
      {"mixtral-8x22b", with_moe(llama({56, 6144, 48, 8, 16384, 32000}), eight_large),
       140620634112},
      {"deepseek-v2-lite", deepseek(llama({27, 2048, 16, 16, 10944, 102400}), 0, lite), 15706484224,
       2661150208},
      {"deepseek-v2", deepseek(llama({60, 5120, 128, 128, 12288, 102400}), 1536, v2), 235741434880,
       21375800320},
      {"deepseek-v3", deepseek(llama({61, 7168, 128, 128, 18432, 129280}), 1536, v3), 671026419200,
       37552297472},
      {"kimi-k2", deepseek(llama({61, 7168, 64, 64, 18432, 163840}), 1536, kimi), 1026408232448,
       32861500928},
  };
}

// 116,829,156,672 with 64 attention sinks a layer, which are not modelled; the model card rounds
// the experts and their routers to 114.71 billion.
Row gpt_oss() {
  Transformer model =
      with_moe(llama({36, 2880, 64, 8, 2880, 201088, 64}),
               models::Moe{.experts = 128, .top_k = 4, .ffn = 2880, .router_bias = true});
  model.bias = true;
  return {"gpt-oss-120b", model, 116829156672 - 36 * 64};
}

void check(const Row& row) {
  INFO(row.name);
  const models::ParameterCount count = models::count_parameters({row.name, row.model});
  CHECK(count.total == row.total);
  // Published active counts leave out the input embedding or not, and mostly the router's bias:
  // ours is every parameter a token touches. The table's convention is stated per source.
  if (row.active > 0) {
    const std::int64_t bias =
        row.model.moe->router_bias
            ? (row.model.layers - row.model.moe->first_dense_layers) * row.model.moe->experts
            : 0;
    const bool equal = count.active == row.active || count.active - bias == row.active;
    INFO(count.active);
    CHECK(equal);
  }
}

}  // namespace

TEST_CASE("dense models have their published parameter counts") {
  for (const Row& row : dense_rows()) check(row);
}

TEST_CASE("Qwen, mixtures of experts and latent attention have their published counts") {
  for (const Row& row : qwen_and_moe_rows()) check(row);
  check(gpt_oss());
}

TEST_CASE("Megatron models have the counts their papers round") {
  // SC21 (arXiv 2104.04473) table 1: P = 12 L h^2 (1 + 13/12h + (V+s)/12Lh), V = 51,200, s = 2,048.
  struct Megatron {
    std::int64_t layers, hidden, heads;
    double billions;
  };
  for (const Megatron& m :
       {Megatron{24, 2304, 24, 1.7}, Megatron{30, 3072, 32, 3.6}, Megatron{36, 4096, 32, 7.5},
        Megatron{40, 6144, 48, 18.4}, Megatron{48, 8192, 64, 39.1}, Megatron{60, 10240, 80, 76.1},
        Megatron{80, 12288, 96, 145.6}, Megatron{96, 16384, 128, 310.1},
        Megatron{105, 20480, 128, 529.6}, Megatron{128, 25600, 160, 1008.0}}) {
    const Transformer model = gpt(m.layers, m.hidden, m.heads, 51200, 2048);
    const auto count = models::count_parameters({"megatron", model});
    const auto l = static_cast<double>(m.layers), h = static_cast<double>(m.hidden);
    const double formula = 12 * l * h * h * (1 + 13 / (12 * h) + (51200 + 2048) / (12 * l * h));
    CHECK(static_cast<double>(count.total) == Approx(formula + 2 * h).epsilon(1e-12));
    CHECK(static_cast<double>(count.total) / 1e9 == Approx(m.billions).margin(0.05).epsilon(0.001));
  }
}

TEST_CASE("a multi-token-prediction layer adds a layer, a projection and three norms") {
  Row v3 = qwen_and_moe_rows()[16];
  const auto without = models::count_parameters({v3.name, v3.model});
  v3.model.mtp_layers = 1;
  const auto with = models::count_parameters({v3.name, v3.model});
  // 11,506,787,328 in the layer (model.layers.60 of the published file), 2 * 7168^2 + 3 * 7168.
  Transformer shorter = v3.model;
  shorter.mtp_layers = 0;
  shorter.layers = 60;
  const auto layer = without.total - models::count_parameters({"", shorter}).total;
  CHECK(with.total - without.total == layer + 2 * 7168 * 7168 + 3 * 7168);
}
