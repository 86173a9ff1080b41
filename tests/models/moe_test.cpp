// What mixture-of-experts layers do beside their products.
#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

#include "models/operators.hpp"

using models::Precision;

namespace {

models::Transformer experts() {
  models::Transformer t;
  t.layers = 2;
  t.hidden = 2048;
  t.heads = t.kv_heads = 16;
  t.head_dim = 128;
  t.ffn = 768;
  t.vocab = 32000;
  models::Moe moe;
  moe.experts = 64;
  moe.top_k = 4;
  moe.ffn = 768;
  t.moe = moe;
  return t;
}

double padded_bytes(const models::Transformer& model, Precision precision,
                    const models::KernelProfile& kernels) {
  models::Shard shard;
  shard.micro_batch = 1;
  shard.seq_len = 4096;
  shard.ep = 8;
  shard.precision = precision;
  double sum = 0.0;
  for (const auto& op : layer_operators(model, models::LayerKind::moe, shard, kernels)) {
    if (std::string(op.name) != "pad") continue;
    CHECK(op.forward.traffic.count() == op.backward_data.traffic.count());
    sum += op.forward.traffic.as_double();
  }
  return sum;
}

}  // namespace

TEST_CASE("fp8 pads what each expert received, once before and once after") {
  models::Transformer model = experts();
  models::KernelProfile kernels;
  const double received = 4.0 * 4096.0 * 2048.0;
  CHECK(padded_bytes(model, Precision::fp8, kernels) == 2.0 * 4.0 * received);
  CHECK(padded_bytes(model, Precision::bf16, kernels) == 0.0);
  kernels.host_issues_experts = false;  // a CUDA graph: the router pads
  CHECK(padded_bytes(model, Precision::fp8, kernels) == 0.0);
  kernels.host_issues_experts = true;
  model.moe->capacity_factor = 1.0;  // every expert has the same rows
  CHECK(padded_bytes(model, Precision::fp8, kernels) == 0.0);
}

TEST_CASE("products in MXFP8 want both operands' scales in another order, a kernel each") {
  models::Shard shard;
  shard.seq_len = 4096;
  shard.ep = 8;
  shard.precision = Precision::fp8;
  shard.scale_bytes = 1.0 / 32.0;
  const auto casts = [&] {
    std::vector<models::Operator> out;
    for (const auto& op : layer_operators(experts(), models::LayerKind::moe, shard, {})) {
      if (std::string(op.name) == "cast") out.push_back(op);
    }
    return out;
  };
  const auto plain = casts();
  shard.swizzled_scales = true;
  const auto swizzled = casts();
  REQUIRE(plain.size() == 4);  // into and out of attention, into and out of the experts
  REQUIRE(swizzled.size() == plain.size());
  for (std::size_t i = 0; i < plain.size(); ++i) {
    CHECK(swizzled[i].forward.kernels == plain[i].forward.kernels + 2);
    CHECK(swizzled[i].backward_data.kernels == plain[i].backward_data.kernels + 4);
    CHECK(swizzled[i].forward.host_launches() <= plain[i].forward.host_launches() + 1);
  }
  // Scales of 4096 rows and of 2048 times 2048 weights are read and written.
  const auto moved = plain[1].forward.traffic.count() + 2 * (4096 + 2048) * 2048 / 32;
  CHECK(swizzled[1].forward.traffic.count() == moved);
  // One kernel that casts all experts' tensors writes their scales as products want them.
  shard.casts_together = true;
  CHECK(casts()[2].forward.kernels == 1);
  CHECK(casts()[0].forward.kernels == swizzled[0].forward.kernels);
}

TEST_CASE("biases of the experts' outputs are added one expert at a time, in fp32") {
  models::Transformer model = experts();
  models::Shard shard;
  shard.seq_len = 4096;
  shard.ep = 8;
  models::KernelProfile kernels;
  const auto find = [&] {
    for (const auto& op : layer_operators(model, models::LayerKind::moe, shard, kernels)) {
      if (std::string(op.name) == "expert_bias") return op;
    }
    return models::Operator{};
  };
  CHECK(find().forward.kernels == 0);  // without biases
  model.bias = true;
  const models::Operator op = find();
  const std::int64_t received = 4 * 4096 * 2048;
  CHECK(op.forward.traffic.count() == received * 37);
  CHECK(op.backward_data.traffic.count() == received * 48);
  CHECK(op.forward.kernels == 2 * 8 + 2);
  CHECK(op.backward_data.kernels == 6 * 8 + 2);
  CHECK(op.parameters == 8 * 2048);
  kernels.compiled = true;  // one kernel adds them
  CHECK(find().forward.traffic.count() == received * 4);
  CHECK(find().forward.kernels == 1);
}

TEST_CASE("a rank holds its part of the experts' biases") {
  models::Transformer model = experts();
  models::Shard shard;
  shard.seq_len = 4096;
  shard.ep = 8;
  const auto held = [&] {
    std::int64_t sum = 0;
    for (const auto& op : layer_operators(model, models::LayerKind::moe, shard, {})) {
      if (op.expert) sum += op.parameters;
    }
    return sum;
  };
  const std::int64_t matrices = held();
  model.bias = true;
  CHECK(held() - matrices == 8 * (2 * 768 + 2048));
}

TEST_CASE("tokens are chosen by kernels over the probabilities of all experts") {
  models::Transformer model = experts();
  models::Shard shard;
  shard.seq_len = 4096;
  shard.ep = 8;
  models::KernelProfile kernels;
  kernels.host_issues_experts = false;  // no sizes that the host reads
  const auto router = [&] {
    for (const auto& op : layer_operators(model, models::LayerKind::moe, shard, kernels)) {
      if (std::string(op.name) == "top_k") return op;
    }
    return models::Operator{};
  };
  const models::Operator free = router();
  model.moe->capacity_factor = 1.0;
  const models::Operator dropped = router();
  CHECK(dropped.forward.traffic.count() - free.forward.traffic.count() == 4096 * 64 * 330);
  CHECK(dropped.backward_data.traffic.count() - free.backward_data.traffic.count() ==
        4096 * 64 * 9);
  CHECK(dropped.forward.kernels - free.forward.kernels == 8);
  CHECK(dropped.backward_data.kernels - free.backward_data.kernels == 1);
}
