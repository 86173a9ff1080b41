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

TEST_CASE("experts' biases are parameters, and Megatron-Core adds the second one slice by slice") {
  models::Transformer model = experts();
  models::Shard shard;
  shard.micro_batch = 1;
  shard.seq_len = 4096;
  shard.ep = 8;
  const auto operators = [&] {
    return layer_operators(model, models::LayerKind::moe, shard, models::KernelProfile{});
  };
  const auto parameters = [&] {
    std::int64_t sum = 0;
    for (const auto& op : operators()) sum += op.parameters;
    return sum;
  };
  const auto named = [](const auto& op) { return std::string(op.name) == "expert_bias"; };
  const std::int64_t without = parameters();
  const std::int64_t all_without = models::count_parameters({"experts", model}).total;
  CHECK(std::ranges::none_of(operators(), named));
  model.bias = true;
  // Of 8 experts a rank: gate and up, down; beside them the attention's four.
  const std::int64_t attention = 4 * 2048;
  const std::int64_t expert = 2 * 768 + 2048;
  CHECK(parameters() - without == attention + 8 * expert);
  CHECK(models::count_parameters({"experts", model}).total - all_without == 2 * (attention + 64 * expert));
  const auto biased = operators();
  const auto op = std::ranges::find_if(biased, named);
  REQUIRE(op != biased.end());
  const std::int64_t received = 4 * 4096 * 2048;
  CHECK(op->forward.traffic.count() == 37 * received);
  CHECK(op->backward_data.traffic.count() == 48 * received);
  CHECK(op->forward.kernels == 2 + 2 * 8);
  CHECK(op->backward_data.kernels == 2 + 5 * 8);
}
