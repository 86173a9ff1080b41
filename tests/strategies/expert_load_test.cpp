// Load of the busiest expert-parallel rank against its closed form.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

#include "step_fixture.hpp"
#include "strategies/expert_load.hpp"

using namespace strategies;

namespace {

models::Moe experts() {
  models::Moe moe;
  moe.experts = 64;
  moe.top_k = 4;
  moe.ffn = 512;
  return moe;
}

Training tokens(MoeBalance balance, double imbalance) {
  Training training;
  training.seq_len = 4096;
  training.moe_balance = balance;
  training.moe_imbalance = imbalance;
  return training;
}

}  // namespace

TEST_CASE("balanced experts, or all of them on one rank, wait for nobody") {
  Plan plan;
  plan.ep = 8;
  CHECK(expert_load(experts(), tokens(MoeBalance::balanced, 1.0), plan) == 1.0);
  plan.ep = 1;
  CHECK(expert_load(experts(), tokens(MoeBalance::dropless, 1.0), plan) == 1.0);
}

TEST_CASE("the busiest of ep ranks: chance and imbalance, averaged over a rank's experts") {
  Plan plan;
  plan.ep = 8;
  const double out = std::sqrt(2.0 * std::log(8.0));  // standard deviations
  // 4096 tokens of 8 ranks choose 4 of 64: 2048 an expert; 8 experts a rank.
  const double chance = std::sqrt(1.0 / 2048.0 / 8.0);
  CHECK(expert_load(experts(), tokens(MoeBalance::dropless, 0.0), plan) ==
        Approx(1.0 + chance * out));
  CHECK(expert_load(experts(), tokens(MoeBalance::dropless, 0.8), plan) ==
        Approx(1.0 + std::sqrt((1.0 / 2048.0 + 0.64) / 8.0) * out));
  plan.ep = 64;  // fewer experts a rank even out less
  CHECK(expert_load(experts(), tokens(MoeBalance::dropless, 0.8), plan) > 2.5);
}

TEST_CASE("dropping ends the load at the capacity") {
  Plan plan;
  plan.ep = 64;
  models::Moe moe = experts();
  moe.capacity_factor = 1.25;
  CHECK(expert_load(moe, tokens(MoeBalance::drop, 0.8), plan) == 1.25);
  CHECK(expert_load(moe, tokens(MoeBalance::drop, 0.0), plan) < 1.25);
}

TEST_CASE("a busier rank computes and exchanges more") {
  StepFixture f;
  f.gpt().moe = experts();
  f.plan.dp = f.plan.ep = 4;
  f.spread();
  f.program();
  const auto even = f.costs().layer(0).at(models::Region::mlp_in).forward.time;
  const auto even_bytes = f.costs().dispatched_tokens();
  f.training.moe_balance = MoeBalance::dropless;
  f.training.moe_imbalance = 0.5;
  f.program();
  CHECK(f.costs().layer(0).at(models::Region::mlp_in).forward.time > even);
  CHECK(f.costs().dispatched_tokens() > even_bytes);
}

TEST_CASE("with overlap the combine runs beside the shared expert") {
  StepFixture f;
  f.gpt().moe = experts();
  f.gpt().moe->shared_ffn = 1024;
  f.plan.dp = f.plan.ep = 4;
  f.plan.overlap.ep = true;
  f.spread();
  const Program program = f.program();
  std::size_t beside = 0;
  for (OpIndex i = 0; i + 1 < program.size(); ++i) {
    const Op& op = program.op(i);
    if (op.kind != OpKind::collective || op.group != GroupKind::expert) continue;
    // The next compute operation does not wait for it.
    const auto waits = program.dependencies(i + 1);
    if (program.op(i + 1).kind == OpKind::compute && program.op(i + 1).duration.count() > 0 &&
        std::find(waits.begin(), waits.end(), i) == waits.end()) {
      ++beside;
    }
  }
  CHECK(beside >= 4);  // of four layers' forward combines
}

TEST_CASE("a token visits as many nodes as its model allows, or as chance has it") {
  models::Moe moe;
  moe.experts = 256;
  moe.top_k = 8;
  moe.node_limit = 4;
  CHECK(visited_domains(moe, 8) == Approx(4.0));
  CHECK(visited_domains(moe, 2) == Approx(2.0));
  moe.node_limit = 0;
  CHECK(visited_domains(moe, 1) == Approx(1.0));
  CHECK(visited_domains(moe, 8) == Approx(8.0 * (1.0 - std::pow(7.0 / 8.0, 8.0))));
  moe.top_k = 1;
  CHECK(visited_domains(moe, 8) == Approx(1.0));
}
