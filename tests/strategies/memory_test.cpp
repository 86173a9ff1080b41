// Memory of states and activations against the closed forms.
#include <catch2/catch.hpp>

#include "step_fixture.hpp"
#include "strategies/states.hpp"

using namespace strategies;
using sim::MemoryCategory;

namespace {

std::int64_t steady(const Program& program, MemoryCategory category) {
  return replay_memory(program).now()[static_cast<std::size_t>(category)].count();
}

std::int64_t states(const Program& program) {
  return steady(program, MemoryCategory::parameters) + steady(program, MemoryCategory::gradients) +
         steady(program, MemoryCategory::optimizer);
}

}  // namespace

TEST_CASE("ZeRO memory per parameter: 16, 4 + 12/N, 2 + 14/N, 16/N (arXiv 1910.02054, figure 1)") {
  StepFixture f;
  f.training.grad_dtype = models::Precision::bf16;
  f.plan.dp = 8;
  f.spread();
  const auto of = [&](int zero) {
    f.plan.zero = zero;
    return states(f.program());
  };
  const std::int64_t p = stage_parameters((f.program(), f.context())).dense;
  REQUIRE(p % 8 == 0);
  CHECK(of(0) == 16 * p);
  CHECK(of(1) == 4 * p + 12 * p / 8);
  CHECK(of(2) == 2 * p + 14 * p / 8);
  CHECK(of(3) == 16 * p / 8);
}

TEST_CASE("activations balance: nothing but states outlives the step") {
  for (auto mode : {Recompute::none, Recompute::selective, Recompute::full}) {
    for (int zero : {0, 2, 3}) {
      StepFixture f;
      f.plan.dp = 2;
      f.plan.zero = zero;
      f.training.recompute = {mode, {models::Module::core_attn}, 0, 2};
      f.spread();
      const Program program = f.program();
      CHECK(steady(program, MemoryCategory::activations) == 0);
      CHECK(steady(program, MemoryCategory::buffers) == 0);
    }
  }
}

TEST_CASE("more recomputation never holds more activations") {
  std::int64_t before = INT64_MAX;
  for (auto mode : {Recompute::none, Recompute::selective, Recompute::full}) {
    StepFixture f;
    f.training.attention = models::AttentionKernel::math;
    f.training.recompute = {mode, {models::Module::core_attn}, 0, 1};
    f.spread();
    const auto ledger = replay_memory(f.program());
    CHECK(ledger.peak().count() < before);
    before = ledger.peak().count();
  }
}

TEST_CASE("a stage of 1F1B holds the activations of its micro-batches in flight") {
  StepFixture f;
  f.plan.pp = 4;
  f.spread();
  const auto activations = [&](std::int64_t stage) {
    const auto ledger = replay_memory(f.program(stage));
    return ledger.at_peak()[static_cast<std::size_t>(MemoryCategory::activations)].count();
  };
  const std::int64_t layer = (f.program(1), f.costs().layer(0).saved.count());
  CHECK(activations(1) == 3 * layer);
  CHECK(activations(2) == 2 * layer);
}

TEST_CASE("full recomputation runs forward again, once") {
  StepFixture f;
  f.training.recompute = {Recompute::full, {}, 0, 1};
  f.spread();
  double forward = 0.0;
  double again = 0.0;
  const Program program = f.program();
  for (const Op& op : program.ops()) {
    if (op.activity == Activity::forward) forward += op.flops;
    if (op.activity == Activity::recompute) again += op.flops;
  }
  CHECK(again > 0.8 * forward);
  CHECK(again < forward);  // embedding and head are not repeated
}
