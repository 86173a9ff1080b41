// Saved activations against Korthikanti et al. (arXiv 2205.05198), table 2 and section 4.
#include <catch2/catch.hpp>

#include "llama_layer.hpp"

namespace {

using models::Modules;
using models::Operator;

using test::kBatch;
using test::kSeq;
using test::llama;
using test::saved;
using test::shard;

constexpr std::int64_t kHidden = 6144, kHeads = 64;

models::Transformer gpt() {
  models::Transformer t;
  t.layers = 4;
  t.hidden = kHidden;
  t.heads = t.kv_heads = kHeads;
  t.head_dim = kHidden / kHeads;
  t.ffn = 4 * kHidden;
  t.vocab = 51200;
  t.gated_mlp = false;
  t.bias = true;
  t.tied_embeddings = true;
  t.norm = models::Norm::layernorm;
  t.position = models::Position::learned;
  t.max_positions = kSeq;
  return t;
}

models::KernelProfile megatron_2021() {
  models::KernelProfile kernels;
  kernels.dropout = true;
  return kernels;
}

constexpr std::int64_t kSbh = kSeq * kBatch * kHidden;
constexpr std::int64_t kScores = kHeads * kSeq * kSeq * kBatch;  // a s^2 b

}  // namespace

TEST_CASE("GPT with math attention keeps sbh(10 + 24/t + 5as/ht) under tensor parallelism") {
  for (const std::int64_t t : {1, 2, 4, 8}) {
    const auto ops =
        layer_operators(gpt(), models::LayerKind::dense,
                        shard(t, false, models::AttentionKernel::math), megatron_2021());
    CHECK(saved(ops) == 10 * kSbh + 24 * kSbh / t + 5 * kScores / t);
  }
}

TEST_CASE("sequence parallelism divides everything: sbh/t (34 + 5as/h)") {
  const auto core = models::module_bit(models::Module::core_attn);
  for (const std::int64_t t : {2, 4, 8}) {
    const auto ops =
        layer_operators(gpt(), models::LayerKind::dense,
                        shard(t, true, models::AttentionKernel::math), megatron_2021());
    CHECK(saved(ops) == (34 * kSbh + 5 * kScores) / t);
    // Selective recomputation of the attention core leaves 34 sbh / t.
    CHECK(saved(ops, core) == 34 * kSbh / t);
    // Full recomputation keeps the layer's input, 2 sbh, on the sequence shard.
    CHECK(ops.front().saved_input.count() == 2 * kSbh / t);
  }
  const auto plain =
      layer_operators(gpt(), models::LayerKind::dense,
                      shard(4, false, models::AttentionKernel::math), megatron_2021());
  CHECK(plain.front().saved_input.count() == 2 * kSbh);
}

TEST_CASE("flash attention keeps Q, K, V, the output and a log-sum-exp, not the scores") {
  for (const std::int64_t t : {1, 8}) {
    const auto ops =
        layer_operators(gpt(), models::LayerKind::dense,
                        shard(t, true, models::AttentionKernel::flash), megatron_2021());
    const std::int64_t lse = 4 * kHeads * kSeq * kBatch / t;
    CHECK(saved(ops) == 34 * kSbh / t + lse);
  }
}

TEST_CASE("a Llama layer keeps what Megatron-Core keeps") {
  const auto model = llama();
  const std::int64_t tokens = kSeq * kBatch, h = model.hidden, f = model.ffn;
  const std::int64_t kv = 2 * model.kv_heads * model.head_dim;
  const std::int64_t lse = 4 * model.heads * tokens;
  for (const std::int64_t t : {1, 4, 8}) {
    const auto ops = layer_operators(model, models::LayerKind::dense,
                                     shard(t, true, models::AttentionKernel::flash), {});
    // Two norms' inputs and outputs, Q, K, V, O, gate, up and their product.
    const std::int64_t expected = 2 * tokens * (4 * h + 2 * h + kv + 3 * f) + lse;
    CHECK(saved(ops) == expected / t);
    const auto norms = models::module_bit(models::Module::layernorm);
    CHECK(saved(ops, norms) == (expected - 2 * tokens * 2 * h) / t);
    const auto act = models::module_bit(models::Module::act);
    CHECK(saved(ops, act) == (expected - 2 * tokens * f) / t);
    const auto mlp = models::module_bit(models::Module::mlp);
    CHECK(saved(ops, mlp) == (expected - 2 * tokens * 3 * f) / t);
  }
}

TEST_CASE("compiled code rebuilds norm and activation outputs: eager SwiGLU keeps one more") {
  const auto model = llama();
  const std::int64_t tokens = kSeq * kBatch, h = model.hidden, f = model.ffn;
  const auto whole = shard(1, false, models::AttentionKernel::flash);
  models::KernelProfile kernels;
  const std::int64_t fused =
      saved(layer_operators(model, models::LayerKind::dense, whole, kernels));
  kernels.fused_activation = false;
  const std::int64_t eager =
      saved(layer_operators(model, models::LayerKind::dense, whole, kernels));
  CHECK(eager - fused == 2 * tokens * f);
  kernels.compiled = true;
  const std::int64_t compiled =
      saved(layer_operators(model, models::LayerKind::dense, whole, kernels));
  CHECK(fused - compiled == 2 * tokens * (2 * h + f));
}

TEST_CASE("fp8 keeps GEMM inputs in one byte") {
  const auto model = llama();
  const std::int64_t tokens = kSeq * kBatch;
  auto fp8 = shard(1, false, models::AttentionKernel::flash);
  const auto wide = saved(layer_operators(model, models::LayerKind::dense, fp8, {}));
  fp8.precision = models::Precision::fp8;
  const auto narrow = saved(layer_operators(model, models::LayerKind::dense, fp8, {}));
  // QKV and gate-up read the norms' outputs, the output projections O and the product.
  const std::int64_t inputs = 2 * model.hidden + model.hidden + model.ffn;
  // Attention's backward reads O in 16 bits, beside the cast that its projection keeps.
  CHECK(wide - narrow == tokens * (inputs - 2 * model.hidden));
  fp8.scale_bytes = 4.0 / 128.0;  // blockwise: an fp32 scale for 128 elements
  const auto scaled = saved(layer_operators(model, models::LayerKind::dense, fp8, {}));
  CHECK(scaled - narrow == tokens * inputs / 32);
}

TEST_CASE("what backward needs can be kept narrower than it is computed with") {
  const auto model = llama();
  const std::int64_t tokens = kSeq * kBatch;
  for (const auto precision : {models::Precision::bf16, models::Precision::fp8}) {
    auto whole = shard(1, false, models::AttentionKernel::flash);
    whole.precision = precision;
    const auto kept = [&] {
      return saved(layer_operators(model, models::LayerKind::dense, whole, {}));
    };
    const std::int64_t native = kept();
    whole.saved_activation_input = models::SavedFormat::fp8;
    CHECK(native - kept() == tokens * 2 * model.ffn);  // gate and up: one byte instead of two
    whole.saved_activation_input = models::SavedFormat::native;
    whole.saved_attention_output = models::SavedFormat::e5m6;
    // 12 bits for attention and its projection, which share 16, or have 16 and 8.
    const std::int64_t bits = precision == models::Precision::bf16 ? 4 : 12;
    CHECK(native - kept() == tokens * model.hidden * bits / 8);
  }
}

TEST_CASE("the second half of a split backward in fp8 reads quantised tensors") {
  const auto model = llama();
  auto whole = shard(1, false, models::AttentionKernel::flash);
  const auto sum = [&] {
    std::int64_t bytes = 0;
    for (const Operator& op : layer_operators(model, models::LayerKind::dense, whole, {})) {
      bytes += op.kept_for_weight.count();
    }
    return bytes;
  };
  const std::int64_t wide = sum();
  whole.precision = models::Precision::fp8;
  CHECK(2 * sum() == wide);
}

TEST_CASE("recomputed up-projections of MLA keep the latents before their norms") {
  auto model = llama();
  model.mla = models::Mla{1536, 512, 128, 64, 128};
  const std::int64_t tokens = kSeq * kBatch;
  const auto ops = layer_operators(model, models::LayerKind::dense,
                                   shard(1, false, models::AttentionKernel::flash), {});
  const std::int64_t heads = model.heads * (2 * (128 + 64) + 128);
  const std::int64_t latents = 1536 + 512;  // after their norms
  CHECK(saved(ops) - saved(ops, models::module_bit(models::Module::mla_up_proj)) ==
        tokens * 2 * (heads + latents));
}

TEST_CASE("more recomputation never keeps more") {
  auto model = llama();
  model.moe = models::Moe{.experts = 8, .top_k = 2, .ffn = 4096, .shared_ffn = 2048};
  for (const auto kind : {models::LayerKind::dense, models::LayerKind::moe}) {
    const auto ops =
        layer_operators(model, kind, shard(2, true, models::AttentionKernel::flash), {});
    for (Modules a = 0; a < 256; ++a) {
      for (unsigned bit = 1; bit < 8; ++bit) {
        const auto b = static_cast<Modules>(a | (1U << bit));
        REQUIRE(saved(ops, b) <= saved(ops, a));
      }
    }
  }
}

TEST_CASE("between the halves of a split backward a GPT layer keeps 32 sbh (arXiv 2401.10241)") {
  const auto ops = layer_operators(gpt(), models::LayerKind::dense,
                                   shard(1, false, models::AttentionKernel::math), megatron_2021());
  std::int64_t sum = 0;
  for (const Operator& op : ops) sum += op.kept_for_weight.count();
  CHECK(sum == 32 * kSbh);
}

TEST_CASE(
    "nanotron keeps the block of queries, keys and values and a transposed attention output") {
  // Per token: norms' inputs and outputs 8 h, block 6 h, keys and values 4 h, attention's output 2
  // h (twice where sequences are several), gate, up, SiLU's output and the product 8 f,
  // log-sum-exp.
  auto model = llama();
  model.kv_heads = model.heads;
  const std::int64_t h = model.hidden, f = model.ffn, lse = 4 * model.heads;
  models::KernelProfile kernels;
  kernels.fused_activation = false;
  kernels.packed_qkv_stays = kernels.transposes_attention_output = true;
  auto whole = shard(1, false, models::AttentionKernel::flash);
  const auto kept = [&] {
    return saved(layer_operators(model, models::LayerKind::dense, whole, kernels));
  };
  CHECK(kept() == kSeq * kBatch * (22 * h + 8 * f + lse));
  whole.micro_batch = 1;
  CHECK(kept() == kSeq * (20 * h + 8 * f + lse));
  model.kv_heads = 8;  // grouped: queries, keys and values are copied apart
  const std::int64_t kv = 2 * 8 * model.head_dim;
  CHECK(kept() == kSeq * (8 * h + 2 * (h + kv) + 2 * h + 8 * f + lse));
}
