// What code bases hold beside states and activations, against closed forms.
#include <algorithm>
#include <catch2/catch.hpp>

#include "step_fixture.hpp"
#include "strategies/states.hpp"

using namespace strategies;
using sim::MemoryCategory;

namespace {

// The most that is live at once in one category.
std::int64_t most(const Program& program, MemoryCategory category) {
  std::int64_t live = 0;
  std::int64_t out = 0;
  for (const MemoryEvent& event : program.memory_events()) {
    if (event.category != category) continue;
    live += event.bytes;
    out = std::max(out, live);
  }
  return out;
}

std::int64_t in_the_end(const Program& program, MemoryCategory category) {
  return replay_memory(program).now()[static_cast<std::size_t>(category)].count();
}

}  // namespace

TEST_CASE("a split backward frees what it kept: nothing outlives the step") {
  for (const char* schedule : {"zb-h1", "zb-h2", "zb-v", "dualpipe"}) {
    for (auto mode : {Recompute::none, Recompute::full}) {
      StepFixture f;
      f.gpt().layers = 8;
      f.plan.pp = 4;
      f.plan.schedule = schedule;
      if (f.plan.schedule == "zb-v") f.plan.vpp = 2;
      f.training.global_batch = 16;
      f.training.recompute = {mode, {}, 0, 1};
      f.spread();
      for (std::int64_t stage = 0; stage < 4; ++stage) {
        const Program program = f.program(stage);
        CHECK(in_the_end(program, MemoryCategory::activations) == 0);
        CHECK(in_the_end(program, MemoryCategory::buffers) == 0);
      }
    }
  }
}

TEST_CASE("waiting for its weight half, a micro-batch holds 32 of a layer's 34 sbh and no scores") {
  StepFixture f;
  f.training.attention = models::AttentionKernel::math;
  f.program();
  const UnitCost& layer = f.costs().layer(0);
  const std::int64_t sbh = f.training.seq_len * f.gpt().hidden;
  CHECK(layer.kept_for_weight.count() == 32 * sbh);
  CHECK(layer.saved > layer.kept_for_weight);
}

TEST_CASE("stand-in gradients: one buffer for every shape of weight, however many layers") {
  StepFixture f;
  f.implementation.kernels.stand_in_gradients = true;
  const std::int64_t h = f.gpt().hidden;
  for (const std::int64_t layers : {1, 4}) {
    f.gpt().layers = layers;
    f.spread();
    const Program program = f.program();
    // 3h x h, h x h, 4h x h and h x 4h; the output layer's is no module's.
    CHECK(stand_in_memory(f.context()).count() == 2 * (3 + 1 + 4 + 4) * h * h);
    CHECK(in_the_end(program, MemoryCategory::framework) == 2 * 12 * h * h);
  }
}

TEST_CASE("gradients of a micro-batch stay until its backward ends: DDP's buckets as long") {
  StepFixture f;
  f.plan.dp = 2;
  f.spread();
  f.implementation.micro_batch_gradients = true;
  const Program program = f.program();
  const ParameterSet parameters = stage_parameters(f.context());
  CHECK(most(program, MemoryCategory::gradients) == (4 + 2) * parameters.dense);
  CHECK(in_the_end(program, MemoryCategory::gradients) == 4 * parameters.dense);
  f.implementation.gradient_buckets = true;
  CHECK(in_the_end(f.program(), MemoryCategory::gradients) == (4 + 2) * parameters.dense);
  f.plan.zero = 1;  // no DDP then
  CHECK(in_the_end(f.program(), MemoryCategory::gradients) == 4 * parameters.dense);
}

TEST_CASE("buffers of the step: 6 bytes of the shard, or all 16-bit parameters and the shard") {
  StepFixture f;
  f.plan.dp = 8;
  f.plan.zero = 1;
  f.training.grad_dtype = models::Precision::bf16;
  f.spread();
  f.program();
  const ParameterSet parameters = stage_parameters(f.context());
  const std::int64_t p = parameters.dense;
  REQUIRE(p % 8 == 0);
  CHECK(step_buffers(f.context(), parameters).count() == 0);
  f.implementation.flat_gradient_copy = true;
  CHECK(step_buffers(f.context(), parameters).count() == 6 * p / 8);
  f.implementation.flat_gradient_copy = false;
  f.implementation.flat_parameter_gather = true;
  CHECK(step_buffers(f.context(), parameters).count() == 2 * p + 2 * p / 8);
}

TEST_CASE("the optimizer's temporaries are those of the parameters a rank updates, for its step") {
  StepFixture f;
  f.plan.dp = 8;
  f.training.micro_batch = 1;
  f.training.recompute = {Recompute::full, {}, 0, 1};
  f.spread();
  const auto peak = [&](int zero, double temporaries) {
    f.plan.zero = zero;
    f.implementation.optimizer_temporaries = temporaries;
    return replay_memory(f.program()).peak().count();
  };
  f.program();
  const std::int64_t p = stage_parameters(f.context()).dense;
  REQUIRE(p % 8 == 0);
  // So much that the optimizer's step is the peak.
  for (const int zero : {0, 1, 3}) {
    const std::int64_t updated = zero == 0 ? p : p / 8;
    CHECK(peak(zero, 2000) - peak(zero, 1000) == 1000 * updated);
    CHECK(in_the_end(f.program(), MemoryCategory::buffers) == 0);
  }
}

TEST_CASE("DeepSpeed's pipeline keeps the output of each micro-batch in flight and two buffers") {
  StepFixture f;
  f.plan.pp = 4;
  f.training.recompute = {Recompute::full, {}, 0, 1};
  f.spread();
  const std::int64_t hidden = 2 * f.training.seq_len * f.gpt().hidden;
  const auto held = [&](std::int64_t stage) {
    return replay_memory(f.program(stage)).peak().count();
  };
  for (const std::int64_t stage : {1, 2}) {
    f.implementation.keeps_stage_outputs = false;
    const std::int64_t freed = held(stage);
    f.implementation.keeps_stage_outputs = true;
    CHECK(held(stage) - freed == (4 - stage + 2) * hidden);
  }
}
