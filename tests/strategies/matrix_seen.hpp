// What a strategy does to a small step, as the formulas of docs/strategies.md count it.
#pragma once

#include <catch2/catch.hpp>

#include "step_fixture.hpp"
#include "strategies/states.hpp"

namespace strategies {

inline constexpr std::int64_t kRanks = 4;

// What the formulas speak of. One micro-batch a rank; gradients in 16 bits.
struct Seen {
  Program program;
  std::int64_t p = 0;  // parameters of the rank, before sharding
  std::int64_t s = 0;  // bytes of a hidden state
  std::int64_t t = 0;  // tokens
  std::int64_t l = 0;  // layers of the rank
  std::int64_t m = 0;  // micro-batches

  std::int64_t moved(GroupKind group, collectives::Kind kind) const {
    const auto all = volumes(program);
    const auto found = all.find({group, kind});
    return found == all.end() ? 0 : found->second;
  }
  // On the second path of the group's communication.
  std::int64_t forwarded(GroupKind group) const {
    std::int64_t sum = 0;
    for (const Op& op : program.ops()) sum += op.group == group ? op.forwarded.count() : 0;
    return sum;
  }
  std::int64_t held(sim::MemoryCategory category) const {
    return replay_memory(program).now()[static_cast<std::size_t>(category)].count();
  }
  std::int64_t states() const {
    return held(sim::MemoryCategory::parameters) + held(sim::MemoryCategory::gradients) +
           held(sim::MemoryCategory::optimizer);
  }
};

inline Seen observe(StepFixture& f) {
  f.training.grad_dtype = models::Precision::bf16;
  f.spread();
  Seen seen{.program = f.program()};
  const ParameterSet held = stage_parameters(f.context());
  seen.p = held.dense + held.expert;
  seen.s = f.costs().hidden_state().count();
  seen.t = seen.s / (2 * f.gpt().hidden);
  for (const Chunk& chunk : f.context().chunks) {
    for (const Unit& unit : chunk.units) seen.l += unit.cost->is_layer ? 1 : 0;
  }
  seen.m = f.context().micro_batches;
  return seen;
}

inline Seen sharded(int zero, std::int64_t group = 0) {
  StepFixture f;
  f.plan.dp = 8;
  f.plan.zero = zero;
  if (group > 0) f.plan.shard_group = group;
  return observe(f);
}

inline void check_sharding(int zero, std::int64_t gathers, std::int64_t states_times_n) {
  const Seen seen = sharded(zero);
  REQUIRE(seen.p % 8 == 0);
  CHECK(seen.moved(GroupKind::shard, collectives::Kind::reduce_scatter) == 2 * seen.p);
  CHECK(seen.moved(GroupKind::shard, collectives::Kind::all_gather) == gathers * 2 * seen.p);
  CHECK(seen.states() * 8 == states_times_n * seen.p);
}

inline void check_context(CpType type, collectives::Kind kind, std::int64_t times) {
  StepFixture f;
  f.plan.cp = kRanks;
  f.plan.cp_type = type;
  const Seen seen = observe(f);
  // Keys and values of all tokens: heads = kv_heads, so twice the hidden state of the sequence.
  CHECK(seen.moved(GroupKind::context, kind) == times * 2 * kRanks * seen.s * seen.l * seen.m);
  CHECK(seen.states() == 4 * seen.p + 12 * seen.p);
}

inline constexpr std::int64_t kExperts = 8;

inline StepFixture experts() {
  StepFixture f;
  f.gpt().moe = models::Moe{};
  f.gpt().moe->experts = kExperts;
  f.gpt().moe->top_k = 2;
  f.gpt().moe->ffn = 1024;
  f.plan.dp = f.plan.ep = kRanks;
  return f;
}

}  // namespace strategies
