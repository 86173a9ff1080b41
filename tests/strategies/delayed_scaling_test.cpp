// Maxima of fp8 tensors that ranks agree on, with Transformer Engine's delayed scaling: how often,
// how many, and who.
#include <catch2/catch.hpp>

#include "step_fixture.hpp"
#include "strategies/low_precision.hpp"

using namespace strategies;
using collectives::Kind;

namespace {

StepFixture fp8() {
  StepFixture f;
  f.plan.tp = 2;
  f.plan.cp = 2;
  f.plan.dp = 2;
  f.training.precision = models::Precision::fp8;
  return f;
}

struct Count {
  std::int64_t reductions = 0, bytes = 0;
};

Count count(const Program& program, GroupKind group) {
  Count out;
  for (const Op& op : program.ops()) {
    if (op.kind != OpKind::collective || op.group != group) continue;
    CHECK(op.collective == Kind::all_reduce);
    ++out.reductions;
    out.bytes += op.bytes.count();
  }
  return out;
}

constexpr std::int64_t kProducts = 4 * 4;  // of a GPT layer, times layers
constexpr std::int64_t kBoth = (3 + 2) * 4;

}  // namespace

TEST_CASE("delayed scaling reduces three maxima a product after forward, two after backward") {
  StepFixture f = fp8();
  f.spread();
  const Program program = f.program();
  const std::int64_t m = f.context().micro_batches;
  REQUIRE(m == 4);
  const Count all = count(program, GroupKind::stage);
  CHECK(all.reductions == 2 * m);
  CHECK(all.bytes == kProducts * kBoth * m);
  CHECK(replay_memory(program).now()[static_cast<std::size_t>(sim::MemoryCategory::buffers)] ==
        sim::Bytes{0});
}

TEST_CASE("every chunk reduces the maxima of all chunks of the rank, which share their buffers") {
  StepFixture f = fp8();
  f.plan.pp = f.plan.vpp = 2;
  f.plan.schedule = "interleaved";
  f.spread();
  const Count all = count(f.program(), GroupKind::stage);
  CHECK(all.reductions == 2 * 2 * f.context().micro_batches);
  CHECK(all.bytes == kProducts / 2 * kBoth * 2 * f.context().micro_batches);
}

TEST_CASE("each expert's products have maxima of their own") {
  StepFixture f = fp8();
  f.plan.tp = f.plan.cp = f.plan.dp = 1;
  f.gpt().moe = models::Moe{};
  f.gpt().moe->experts = 8;
  f.gpt().moe->top_k = 2;
  f.gpt().moe->ffn = 1024;
  f.spread();
  const std::int64_t products = 4 * (2 + 2 * 8);
  const Count all = count(f.program(), GroupKind::stage);
  CHECK(all.bytes == products * kBoth * f.context().micro_batches);
}

TEST_CASE("a checkpoint that runs again is an autocast of its own") {
  StepFixture f = fp8();
  f.training.recompute.mode = Recompute::full;
  f.spread();
  const Count each = count(f.program(), GroupKind::stage);
  const std::int64_t m = f.context().micro_batches;
  CHECK(each.reductions == (2 + 4) * m);
  f.training.recompute.every = 2;
  CHECK(count(f.program(), GroupKind::stage).reductions == (2 + 2) * m);
  f.training.recompute.every = 1;
  f.training.recompute.layers = 3;
  CHECK(count(f.program(), GroupKind::stage).reductions == (2 + 3) * m);
}

TEST_CASE("a split backward reduces its maxima with the input's gradients") {
  StepFixture f = fp8();
  f.plan.pp = 2;
  f.plan.schedule = "zb-h1";
  f.spread();
  const Program program = f.program();
  CHECK(count(program, GroupKind::stage).reductions == 2 * f.context().micro_batches);
  for (const Op& op : program.ops()) {
    if (op.kind == OpKind::collective && op.group == GroupKind::stage) CHECK(op.micro_batch >= 0);
  }
}

TEST_CASE(
    "maxima stay within a replica, or with their rank, where asked; other recipes have none") {
  StepFixture f = fp8();
  f.training.fp8_amax_reduce = AmaxReduce::tensor;
  f.spread();
  const Program inside = f.program();
  CHECK(count(inside, GroupKind::replica).reductions == 2 * f.context().micro_batches);
  CHECK(count(inside, GroupKind::stage).reductions == 0);
  f.training.fp8_amax_reduce = AmaxReduce::none;
  CHECK_FALSE(amax_group(f.training));
  f.training.fp8_amax_reduce = AmaxReduce::replicas;
  for (const Fp8Recipe other :
       {Fp8Recipe::tensorwise, Fp8Recipe::rowwise, Fp8Recipe::blockwise, Fp8Recipe::mxfp8}) {
    f.training.fp8_recipe = other;
    CHECK(count(f.program(), GroupKind::stage).reductions == 0);
  }
  f.training.fp8_recipe = Fp8Recipe::delayed;
  f.training.precision = models::Precision::bf16;
  CHECK(count(f.program(), GroupKind::stage).reductions == 0);
}
