// The output layer and the loss: products of a chunked loss, and what is held for backward.
#include <catch2/catch.hpp>

#include "llama_layer.hpp"

namespace {

using models::Operator;
using test::kBatch;
using test::kSeq;
using test::llama;
using test::saved;

models::Shard one_gpu() { return test::shard(1, false, models::AttentionKernel::flash); }

}  // namespace

TEST_CASE("a chunked loss is as many products, on the same tokens, with the same parameters") {
  auto whole = one_gpu();
  models::KernelProfile kernels;
  const auto heads = [&](std::int64_t chunks) {
    whole.loss_chunks = chunks;
    std::vector<Operator> out;
    for (const Operator& op : head_operators(llama(), whole, kernels, 1)) {
      if (op.region == models::Region::head) out.push_back(op);
    }
    return out;
  };
  const auto flops = [](const std::vector<Operator>& ops) {
    double sum = 0.0;
    for (const Operator& op : ops) {
      sum += op.forward.flops.count() + op.backward_data.flops.count() +
             op.backward_weight.flops.count();
    }
    return sum;
  };
  const auto one = heads(1);
  const auto parts = heads(7);  // does not divide the tokens
  REQUIRE(one.size() == 1);
  REQUIRE(parts.size() == 7);
  CHECK(flops(parts) == Approx(flops(one)).epsilon(1e-12));
  CHECK(saved(parts) == saved(one));
  std::int64_t rows = 0;
  std::int64_t parameters = 0;
  for (const Operator& op : parts) {
    rows += op.forward.m;
    parameters += op.parameters;
    CHECK(op.workspace < one[0].workspace);
  }
  CHECK(rows == one[0].forward.m);
  CHECK(parameters == one[0].parameters);
  // Gradients that no product adds up take a pass for each further part.
  kernels.weight_gradient_accumulation_fused = false;
  CHECK(heads(7).size() == 13);
}

TEST_CASE("the loss holds logits_bytes an element at its peak and a softmax until backward") {
  const auto whole = one_gpu();
  models::KernelProfile kernels;
  const std::int64_t logits = kSeq * kBatch * llama().vocab;
  const auto loss = [&] { return head_operators(llama(), whole, kernels, 1).back(); };
  CHECK(saved({loss()}) == 2 * logits);  // fused: the 16-bit gradient in place of the logits
  CHECK(loss().workspace.count() == 0);
  kernels.fused_cross_entropy = false;
  kernels.logits_bytes = 10.0;
  CHECK(saved({loss()}) == 4 * logits);
  CHECK(loss().workspace.count() == 6 * logits);
  kernels.compiles_loss = true;  // nothing yet: what is eager compiles nothing
  CHECK(saved({loss()}) == 4 * logits);
  kernels.compiled = true;  // the 16-bit logits, then their gradient beside them
  CHECK(saved({loss()}) == 2 * logits);
  CHECK(loss().workspace.count() == 2 * logits);
}
