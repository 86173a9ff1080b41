// How much memory waits for the device, because the host that let go of it is ahead.
#include <catch2/catch.hpp>

#include "step_fixture.hpp"
#include "strategies/late_buffers.hpp"

namespace strategies {
namespace {

StepFixture tensor_parallel() {
  StepFixture f;
  f.implementation.gathers_free_late = true;
  f.plan.tp = 2;
  f.plan.sequence_parallel = true;
  f.training.global_batch = 4;
  f.spread();
  return f;
}

std::int64_t whole(const StepFixture& f) { return 2 * f.training.seq_len * 1024; }

// The device runs each operation `behind` after the host has issued it, one a microsecond.
std::vector<OpTimes> lagging(const Program& program, std::int64_t behind) {
  std::vector<OpTimes> out;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(program.size()); ++i) {
    out.push_back({sim::Time::us(i), sim::Time::us(i + behind)});
  }
  return out;
}

TEST_CASE("nothing waits for a device that keeps up, or where nothing is recorded") {
  StepFixture f = tensor_parallel();
  const Program program = f.program();
  CHECK(late_buffers(f.context(), program, {}).count() == 0);
  CHECK(late_buffers(f.context(), program, lagging(program, 0)).count() == 0);
  f.implementation.gathers_free_late = false;
  const Program plain = f.program();
  CHECK(late_buffers(f.context(), plain, lagging(plain, 1000)).count() == 0);
}

TEST_CASE("the further the device is behind, the more waits") {
  StepFixture f = tensor_parallel();
  const Program program = f.program();
  std::int64_t before = 0;
  for (const std::int64_t behind : {1, 20, 60}) {
    const std::int64_t now = late_buffers(f.context(), program, lagging(program, behind)).count();
    CHECK(now >= before);
    before = now;
  }
  CHECK(before > whole(f));
}

TEST_CASE("a launch queue's worth waits at most, however many layers and micro-batches there are") {
  StepFixture f = tensor_parallel();
  f.gpt().layers = 64;
  f.spread();
  const auto waits = [&](std::int64_t batch) {
    f.training.global_batch = batch;
    const Program program = f.program();
    return late_buffers(f.context(), program, lagging(program, 1'000'000)).count();
  };
  const std::int64_t four = waits(4);
  CHECK(waits(8) == four);
  // A layer forward: its kernels and four collectives, two of which leave a buffer.
  const Program program = f.program();
  std::int64_t launches = 0, recorded = 0;
  for (const Op& op : program.ops()) {
    if (op.micro_batch != 0 || op.layer != 1) continue;
    launches += op.launches;
    recorded += op.recorded.count();
  }
  REQUIRE(launches > 0);
  CHECK(four <= recorded * (kLaunchQueue / launches + 1));
  CHECK(four >= whole(f));
}

TEST_CASE("the first stage's forwards after the second wait for the next stage") {
  StepFixture f = tensor_parallel();
  f.plan.pp = 4;
  f.spread();
  const auto waits = [&](std::int64_t stage) {
    const Program program = f.program(stage);
    return late_buffers(f.context(), program, {}).count();
  };
  // Of the third one's two gathers. Nothing is allocated between the fourth and the first gradient,
  // with which the host has waited.
  CHECK(waits(0) == 2 * whole(f));
  CHECK(waits(1) == 0);
  f.plan.pp = 2;
  f.spread();
  CHECK(waits(0) == 0);
}

TEST_CASE("inputs that stay gathered leave their parts in forward, themselves in backward") {
  StepFixture f = tensor_parallel();
  const auto sums = [&](bool kept) {
    f.implementation.tp_keeps_gathered = kept;
    std::pair<std::int64_t, std::int64_t> out;  // forward, backward of one layer
    const Program program = f.program();
    bool backward = false;
    for (const Op& op : program.ops()) {
      backward = backward || op.activity == Activity::backward;
      if (op.micro_batch == 0 && op.layer == 1) {
        (backward ? out.second : out.first) += op.recorded.count();
      }
    }
    return out;
  };
  const std::int64_t all = whole(f), part = all / 2;
  CHECK(sums(false) == std::pair(2 * all, 2 * (2 * all + 2 * part) + 2 * part));
  CHECK(sums(true) == std::pair(2 * part, 2 * (2 * all + part) + 2 * part));
}

}  // namespace
}  // namespace strategies
