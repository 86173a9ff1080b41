// A forward and a backward side by side, and the two copies of a bidirectional pipeline.
#include <catch2/catch.hpp>

#include <algorithm>

#include "step_fixture.hpp"
#include "strategies/states.hpp"

using namespace strategies;
using collectives::Kind;

namespace {

struct DualFixture : StepFixture {
  DualFixture() {
    gpt().moe = models::Moe{};
    gpt().moe->experts = 8;
    gpt().moe->top_k = 2;
    gpt().moe->ffn = 1024;
    plan.pp = 4;
    plan.ep = plan.dp = 2;
    plan.zero = 1;
    training.global_batch = 32;
    plan.schedule = "dualpipe";
    spread();
  }
};

std::int64_t bytes_held(const Program& program, sim::MemoryCategory category) {
  return replay_memory(program).now()[static_cast<std::size_t>(category)].count();
}

}  // namespace

TEST_CASE("lanes change the order of operations, not what is done") {
  // The same slots one after the other: the same work, volumes and final memory.
  DualFixture f;
  const Program together = f.program(1);
  PipelineSchedule apart = *f.context().schedule;
  for (auto& stage : apart.stages) {
    for (PassSlot& slot : stage) slot.with_next = false;
  }
  StepContext context = f.context();
  context.schedule = &apart;
  const Program sequence = emit_step(context);
  CHECK(volumes(together) == volumes(sequence));
  const auto work = [](const Program& program) {
    sim::Time time;
    for (const Op& op : program.ops()) time += op.duration;
    return time;
  };
  CHECK(work(together) == work(sequence));
  CHECK(replay_memory(together).now() == replay_memory(sequence).now());
  CHECK(bytes_held(together, sim::MemoryCategory::activations) == 0);
}

TEST_CASE("in a pair one pass computes while the other exchanges tokens") {
  DualFixture f;
  const Program program = f.program(1);
  // Right after an exchange that the pair overlaps stands work of the other pass.
  std::size_t hidden = 0;
  for (OpIndex i = 0; i + 1 < program.size(); ++i) {
    const Op& op = program.op(i);
    if (op.collective != Kind::all_to_all || op.kind != OpKind::collective || !op.overlapped) {
      continue;
    }
    const Op& next = program.op(i + 1);
    if (next.kind == OpKind::compute && next.chunk != op.chunk) ++hidden;
  }
  // One layer a chunk: two exchanges in each pass of a pair, the last of them at its end.
  std::size_t pairs = 0;
  for (const PassSlot& slot : f.context().schedule->stages[1]) pairs += slot.with_next ? 1 : 0;
  CHECK(pairs > 8);
  CHECK(hidden >= 2 * pairs);
}

TEST_CASE("delayed weight gradients run beside the exchange behind their input gradients") {
  DualFixture f;
  const Program at_once = f.program(1);
  f.plan.overlap.delay_wgrad = true;
  const Program delayed = f.program(1);
  // The same work and messages, and all of the memory back.
  const auto work = [](const Program& program, Activity activity) {
    sim::Time time;
    for (const Op& op : program.ops()) {
      if (op.activity == activity) time += op.duration;
    }
    return time;
  };
  CHECK(work(delayed, Activity::weight_gradient) == work(at_once, Activity::weight_gradient));
  CHECK(work(delayed, Activity::backward) == work(at_once, Activity::backward));
  CHECK(volumes(delayed) == volumes(at_once));
  CHECK(replay_memory(delayed).now() == replay_memory(at_once).now());
  // Weight gradients that stand between an exchange and the compute that waits for it.
  const auto beside = [](const Program& program) {
    std::size_t count = 0;
    for (OpIndex i = 0; i < program.size(); ++i) {
      const Op& exchange = program.op(i);
      if (exchange.kind != OpKind::collective || exchange.group != GroupKind::expert) continue;
      for (OpIndex j = i + 1; j < program.size(); ++j) {
        const Op& op = program.op(j);
        if (op.chunk != exchange.chunk || op.micro_batch != exchange.micro_batch) continue;
        const auto waits = program.dependencies(j);
        if (op.kind != OpKind::compute) break;
        if (std::find(waits.begin(), waits.end(), i) != waits.end()) break;
        count += op.activity == Activity::weight_gradient ? 1 : 0;
      }
    }
    return count;
  };
  CHECK(beside(at_once) == 0);
  CHECK(beside(delayed) > 8);
}

TEST_CASE("each rank of a bidirectional pipeline holds two pieces and adds up their gradients") {
  DualFixture f;
  const Program dual = f.program(0);
  CHECK(f.context().chunks.size() == 2);
  CHECK(f.context().chunks[0].piece == 0);
  CHECK(f.context().chunks[1].piece == 3);
  const ParameterSet both = stage_parameters(f.context());
  const std::int64_t mirror = volumes(dual)[{GroupKind::mirror, Kind::all_reduce}];
  CHECK(mirror == shard_elements(f.context(), both) * 4);  // fp32 gradients, sharded

  ParameterSet ends;
  f.plan.schedule = "1f1b";
  for (std::int64_t stage : {0, 3}) {
    f.program(stage);
    ends.dense += stage_parameters(f.context()).dense;
    ends.expert += stage_parameters(f.context()).expert;
  }
  CHECK(both.dense == ends.dense);  // 2x the parameters of a pipeline with one copy
  CHECK(both.expert == ends.expert);
}

TEST_CASE("a tied embedding is there once where one rank holds both ends") {
  DualFixture f;
  f.gpt().tied_embeddings = true;
  for (std::int64_t stage : {0, 3}) {
    const Program program = f.program(stage);
    for (const Chunk& chunk : f.context().chunks) CHECK(chunk.tied_parameters == 0);
    CHECK(volumes(program).count({GroupKind::embedding, Kind::all_reduce}) == 0);
  }
}
