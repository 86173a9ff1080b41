#include <catch2/catch.hpp>

#include "models/operators.hpp"

using models::ListedOperator;
using models::OperatorList;

namespace {

ListedOperator conv(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride,
                    std::int64_t size) {
  ListedOperator op;
  op.type = ListedOperator::Type::conv2d;
  op.in_channels = in;
  op.out_channels = out;
  op.kernel = kernel;
  op.stride = stride;
  op.height = op.width = size;
  op.bias = false;
  return op;
}

ListedOperator linear(std::int64_t in, std::int64_t out, std::int64_t tokens) {
  ListedOperator op;
  op.in = in;
  op.out = out;
  op.tokens = tokens;
  return op;
}

models::Shard batch_of(std::int64_t count) {
  models::Shard s;
  s.micro_batch = count;
  return s;
}

}  // namespace

TEST_CASE("ResNet-50's stem costs 118 M multiply-adds and 9,408 parameters") {
  const auto ops = block_operators({"stem", {conv(3, 64, 7, 2, 224)}}, batch_of(4), {});
  REQUIRE(ops.size() == 1);
  CHECK(ops[0].parameters == 9408);
  CHECK(ops[0].forward.flops.count() == 4 * 2.0 * 118013952);
  CHECK(ops[0].backward_data.flops.count() == ops[0].forward.flops.count());
  CHECK(ops[0].backward_weight.flops.count() == ops[0].forward.flops.count());
  CHECK(ops[0].saved_input.count() == 4 * 2 * 3 * 224 * 224);
}

TEST_CASE("grouped convolutions divide weights and work") {
  ListedOperator depthwise = conv(96, 96, 3, 1, 56);
  depthwise.groups = 96;
  const auto ops = block_operators({"depthwise", {depthwise}}, batch_of(1), {});
  CHECK(ops[0].parameters == 96 * 9);
  CHECK(ops[0].forward.flops.count() == 2.0 * 56 * 56 * 96 * 9);
}

TEST_CASE("listed linear layers, norms and attention count as in a transformer") {
  ListedOperator attention;
  attention.type = ListedOperator::Type::attention;
  attention.heads = 16;
  attention.head_dim = 64;
  attention.tokens = 197;
  ListedOperator norm;
  norm.type = ListedOperator::Type::norm;
  norm.elements = 197 * 1024;
  norm.features = 1024;
  ListedOperator pair = linear(1024, 3072, 197);
  pair.repeat = 2;
  const auto ops = block_operators({"vit", {norm, pair, attention}}, batch_of(8), {});
  std::int64_t parameters = 0;
  double flops = 0.0;
  for (const auto& op : ops) {
    parameters += op.parameters;
    flops += op.forward.flops.count();
  }
  CHECK(parameters == 2 * 1024 + 2 * (1024 * 3072 + 3072));
  CHECK(flops == 8.0 * (2 * 2.0 * 197 * 1024 * 3072 + 4.0 * 197 * 197 * 1024));
}

TEST_CASE("operator lists count parameters and FLOPs of the whole model per sample") {
  ListedOperator embedding;
  embedding.type = ListedOperator::Type::embedding;
  embedding.in = 1000;
  embedding.out = 64;
  embedding.tokens = 32;
  const models::Model model{"list",
                            OperatorList{{{"a", {embedding}}, {"b", {linear(64, 10, 32)}}}}};
  const auto count = models::count_parameters(model);
  CHECK(count.embedding == 64000);
  CHECK(count.total == 64000 + 64 * 10 + 10);
  CHECK(models::model_flops_per_token(model, 1).matmul == 6.0 * 32 * 64 * 10);
}
