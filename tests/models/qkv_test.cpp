// What stands between the projection to queries, keys and values and attention.
#include <catch2/catch.hpp>
#include <string>

#include "models/operators.hpp"

namespace {

constexpr std::int64_t kTokens = 2048;
constexpr std::int64_t kHeads = 16, kKeyHeads = 4, kHead = 128;

models::Transformer grouped() {
  models::Transformer t;
  t.layers = 2;
  t.hidden = kHeads * kHead;
  t.heads = kHeads;
  t.kv_heads = kKeyHeads;
  t.head_dim = kHead;
  t.ffn = 4096;
  t.vocab = 32000;
  return t;
}

models::Operator find(const models::Transformer& model, const models::KernelProfile& kernels,
                      const std::string& name, std::int64_t tp = 1) {
  models::Shard s;
  s.seq_len = kTokens;
  s.tp = tp;
  for (const auto& op : layer_operators(model, models::LayerKind::dense, s, kernels)) {
    if (name == op.name) return op;
  }
  return {};
}

}  // namespace

TEST_CASE("queries of several groups are copied out, and gradients joined where they lie apart") {
  models::Transformer model = grouped();
  models::KernelProfile kernels;
  CHECK(find(model, kernels, "split_qkv").forward.kernels == 0);
  kernels.interleaved_qkv = true;
  const models::Operator split = find(model, kernels, "split_qkv");
  CHECK(split.forward.traffic.count() == 4 * kTokens * kHeads * kHead);
  CHECK(split.backward_data.traffic.count() == 4 * kTokens * (kHeads + 2 * kKeyHeads) * kHead);
  CHECK(split.forward.kernels == 1);
  CHECK(split.backward_data.kernels == 1);
  // One group a rank lies as attention wants it; rotary embedding still leaves gradients apart.
  const models::Operator single = find(model, kernels, "split_qkv", kKeyHeads);
  CHECK(single.forward.kernels == 0);
  CHECK(single.backward_data.kernels == 1);
  // Attention writes the gradients of such queries, keys and values into one buffer.
  model.kv_heads = kHeads;
  model.position = models::Position::learned;
  CHECK(find(model, kernels, "split_qkv").backward_data.kernels == 0);
  model.qk_norm = true;
  CHECK(find(model, kernels, "split_qkv").backward_data.kernels == 1);
}

TEST_CASE("queries and keys have a norm each") {
  models::Transformer model = grouped();
  model.qk_norm = true;
  models::KernelProfile kernels;
  const models::Operator layer = find(model, kernels, "attention_norm");
  const models::Operator both = find(model, kernels, "qk_norm");
  CHECK(both.forward.kernels == 2 * layer.forward.kernels);
  CHECK(both.backward_data.kernels == 2 * layer.backward_data.kernels);
  kernels.compiled = true;
  CHECK(find(model, kernels, "qk_norm").forward.kernels == layer.forward.kernels);
}
