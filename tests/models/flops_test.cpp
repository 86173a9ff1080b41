// FLOP conventions and what sharding conserves.
#include <catch2/catch.hpp>

#include "models/operators.hpp"

namespace {

using models::LayerKind;
using models::Operator;

models::Transformer gpt(bool causal) {
  models::Transformer t;
  t.layers = 24;
  t.hidden = 3072;
  t.heads = t.kv_heads = 32;
  t.head_dim = 96;
  t.ffn = 4 * t.hidden;
  t.vocab = 51200;
  t.gated_mlp = false;
  t.bias = true;
  t.tied_embeddings = true;
  t.norm = models::Norm::layernorm;
  t.position = models::Position::learned;
  t.max_positions = 2048;
  t.causal = causal;
  return t;
}

models::Transformer moe_model() {
  models::Transformer t;
  t.layers = 4;
  t.hidden = 1024;
  t.heads = 16;
  t.kv_heads = 8;
  t.head_dim = 64;
  t.ffn = 4096;
  t.vocab = 32000;
  t.moe = models::Moe{.experts = 16, .top_k = 2, .ffn = 2048, .shared_ffn = 1024};
  return t;
}

double total_flops(const std::vector<Operator>& operators) {
  double sum = 0.0;
  for (const Operator& op : operators) {
    sum += op.forward.flops.count() + op.backward_data.flops.count() +
           op.backward_weight.flops.count();
  }
  return sum;
}

models::Shard shard(std::int64_t batch, std::int64_t seq) {
  models::Shard s;
  s.micro_batch = batch;
  s.seq_len = seq;
  return s;
}

// One step over one micro-batch, all layers and both ends.
double step_flops(const models::Transformer& model, const models::Shard& s,
                  std::int64_t vocab_multiple) {
  double sum = total_flops(head_operators(model, s, {}, vocab_multiple)) +
               total_flops(embedding_operators(model, s, {}, vocab_multiple));
  for (std::int64_t layer = 0; layer < model.layers; ++layer) {
    sum += total_flops(layer_operators(model, layer_kind(model, layer), s, {}));
  }
  return sum;
}

}  // namespace

TEST_CASE("operators and model FLOPs give 72BLsh^2(1 + s/6h + V/12Lh) without causal half") {
  const auto model = gpt(false);
  const double b = 4, s = 2048, l = 24, h = 3072, v = 51200;
  const double formula = 72 * b * l * s * h * h * (1 + s / (6 * h) + v / (12 * l * h));
  CHECK(step_flops(model, shard(4, 2048), 1) == Approx(formula).epsilon(1e-12));
  const auto flops = models::model_flops_per_token({"gpt", model}, 2048);
  CHECK(flops.full() * b * s == Approx(formula).epsilon(1e-12));
  CHECK(flops.causal() == flops.full());  // not a causal model
}

TEST_CASE("math attention computes the whole square, flash the causal half") {
  const auto model = gpt(true);
  auto s = shard(1, 2048);
  const auto flops = models::model_flops_per_token({"gpt", model}, 2048);
  CHECK(flops.attention_causal == Approx(0.5 * flops.attention_full));
  CHECK(step_flops(model, s, 1) == Approx(flops.causal() * 2048).epsilon(1e-12));
  s.attention = models::AttentionKernel::math;
  CHECK(step_flops(model, s, 1) == Approx(flops.full() * 2048).epsilon(1e-12));
}

TEST_CASE("a sliding window bounds the keys a query sees") {
  auto model = gpt(true);
  model.window = 512;
  const double s = 2048, w = 512;
  const auto windowed = models::model_flops_per_token({"gpt", model}, 2048);
  CHECK(windowed.attention_causal / (12.0 * 24 * 3072) == Approx(w - w * w / (2 * s)));
  CHECK(step_flops(model, shard(2, 2048), 1) == Approx(2 * s * windowed.causal()).epsilon(1e-12));
  model.window = 4096;  // wider than the sequence: no effect
  CHECK(models::model_flops_per_token({"gpt", model}, 2048).attention_causal ==
        Approx(12.0 * 24 * 3072 * s / 2));
}

TEST_CASE("latent attention counts its own head sizes") {
  models::Transformer model = moe_model();
  model.moe.reset();
  model.mla = models::Mla{512, 256, 64, 32, 48};
  const auto flops = models::model_flops_per_token({"mla", model}, 1024);
  CHECK(flops.attention_full == Approx(6.0 * 4 * 16 * (64 + 32 + 48) * 1024));
  CHECK(step_flops(model, shard(1, 1024), 1) == Approx(1024 * flops.causal()).epsilon(1e-12));
}

TEST_CASE("tensor and context parallelism conserve FLOPs") {
  const auto model = gpt(true);
  const double whole = step_flops(model, shard(2, 4096), 1);
  for (const std::int64_t tp : {2, 4, 8}) {
    for (const std::int64_t cp : {1, 2, 4}) {
      for (const bool sp : {false, true}) {
        models::Shard s = shard(2, 4096);
        s.tp = tp;
        s.cp = cp;
        s.sequence_parallel = sp;
        CHECK(step_flops(model, s, 1) * static_cast<double>(tp * cp) ==
              Approx(whole).epsilon(1e-12));
      }
    }
  }
}

TEST_CASE("expert parallelism conserves FLOPs of the experts") {
  const auto model = moe_model();
  const auto expert_flops = [&](std::int64_t ep, std::int64_t etp) {
    models::Shard s = shard(2, 2048);
    s.ep = ep;
    s.etp = etp;
    double sum = 0.0;
    for (const Operator& op : layer_operators(model, LayerKind::moe, s, {})) {
      if (op.expert) sum += op.forward.flops.count();
    }
    return sum;
  };
  const double whole = 2.0 * 2 * 2048 * 2 * 3 * 1024 * 2048;  // tokens, top 2, three matrices
  CHECK(expert_flops(1, 1) == Approx(whole));
  // Each rank brings its own tokens: the work of a rank stays the same when balanced.
  CHECK(expert_flops(8, 1) == Approx(whole));
  CHECK(expert_flops(4, 2) == Approx(whole));
  const auto flops = models::model_flops_per_token({"moe", model}, 2048);
  CHECK(step_flops(model, shard(2, 2048), 1) == Approx(2 * 2048 * flops.causal()).epsilon(1e-12));
}

TEST_CASE("sharding conserves parameters up to replicated norms and padding") {
  for (const bool mla : {false, true}) {
    models::Transformer model = moe_model();
    if (mla) model.mla = models::Mla{512, 256, 64, 32, 48};
    for (const auto kind : {LayerKind::dense, LayerKind::moe}) {
      const auto sum = [&](std::int64_t tp, std::int64_t ep, std::int64_t etp) {
        models::Shard s = shard(1, 1024);
        s.tp = tp;
        s.ep = ep;
        s.etp = etp;
        std::int64_t total = 0;
        for (const Operator& op : layer_operators(model, kind, s, {})) {
          // Norms, the router and the latent down-projections are the same on every rank.
          const std::string name = op.name;
          const bool replicated = op.kind == models::OpKind::norm || name == "router" ||
                                  name == "q_down" || name == "kv_down";
          total += op.parameters * (op.expert ? ep * etp : (replicated ? 1 : tp));
        }
        return total;
      };
      CHECK(sum(2, 4, 2) == sum(1, 1, 1));
      CHECK(sum(8, 16, 1) == sum(1, 1, 1));
    }
  }
}

TEST_CASE("layer parameters add up to the model's") {
  const auto model = moe_model();
  const models::Shard s = shard(1, 1024);
  std::int64_t total = 0;
  const auto add = [&total](const std::vector<Operator>& operators) {
    for (const Operator& op : operators) total += op.parameters;
  };
  add(embedding_operators(model, s, {}, 1));
  add(head_operators(model, s, {}, 1));
  for (std::int64_t l = 0; l < model.layers; ++l) {
    add(layer_operators(model, layer_kind(model, l), s, {}));
  }
  CHECK(total == models::count_parameters({"moe", model}).total);
}

TEST_CASE("KV heads are replicated when tp exceeds them") {
  models::Transformer model = moe_model();
  models::Shard s = shard(1, 1024);
  s.tp = 16;
  const auto ops = layer_operators(model, LayerKind::dense, s, {});
  // One query head, one key and one value head of 64.
  CHECK(ops[1].parameters == 1024 * 3 * 64);
}

TEST_CASE("the vocabulary is padded to a multiple of the tensor-parallel size") {
  models::Transformer model = moe_model();
  model.vocab = 50257;
  models::Shard s = shard(1, 1024);
  s.tp = 8;
  const auto padded = embedding_operators(model, s, {}, 128);
  CHECK(padded[0].parameters * 8 == 51200 * 1024);  // Megatron's 50,257 -> 51,200
  CHECK(head_operators(model, s, {}, 1)[1].parameters * 8 == 50264 * 1024);
}

TEST_CASE("layer kinds follow first dense layers and the period") {
  models::Transformer model = moe_model();
  model.moe->first_dense_layers = 1;
  CHECK(layer_kind(model, 0) == LayerKind::dense);
  CHECK(layer_kind(model, 1) == LayerKind::moe);
  model.moe->first_dense_layers = 0;
  model.moe->every = 2;
  CHECK(layer_kind(model, 0) == LayerKind::dense);
  CHECK(layer_kind(model, 1) == LayerKind::moe);
  CHECK(layer_kind(model, 2) == LayerKind::dense);
}
