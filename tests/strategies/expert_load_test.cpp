// Load of the busiest expert-parallel rank against its closed form.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

#include "step_fixture.hpp"
#include "strategies/expert_load.hpp"
#include "strategies/expert_shares.hpp"

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
  const double out = 1.42360;  // standard deviations: tables of normal order statistics, n = 8
  // 4096 tokens of 8 ranks choose 4 of 64: 2048 an expert; 8 experts a rank.
  const double chance = std::sqrt(1.0 / 2048.0 / 8.0);
  CHECK(expert_load(experts(), tokens(MoeBalance::dropless, 0.0), plan) ==
        Approx(1.0 + chance * out).epsilon(1e-6));
  CHECK(expert_load(experts(), tokens(MoeBalance::dropless, 0.8), plan) ==
        Approx(1.0 + std::sqrt((1.0 / 2048.0 + 0.64) / 8.0) * out).epsilon(1e-5));
  CHECK(expected_maximum(2) == Approx(0.564190).epsilon(1e-5));
  CHECK(expected_maximum(4) == Approx(1.029375).epsilon(1e-5));
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

TEST_CASE("stated shares: the busiest rank, and chance on top") {
  // Four ranks of two experts: 0.5, 1, 1, 1.5 of the mean.
  const std::vector<std::int64_t> counted{1, 3, 4, 4, 6, 2, 2, 10};
  const std::vector<double> shares = counted_shares(counted);
  CHECK(busiest_of(shares, 4, 1e12, 0.0) == Approx(1.5).epsilon(1e-4));
  // Cut at 1.25 of an expert's mean, the last one's 2.5 leave 0.5 + 1.25 on two experts.
  CHECK(busiest_of(shares, 4, 1e12, 1.25) == Approx(1.0).epsilon(1e-4));
  CHECK(busiest_of(shares, 4, 10.0, 0.0) > 1.52);
  // Equal shares: the largest of four standard normal variables is 1.0294 on average.
  const std::vector<double> even(8, 1.0);
  CHECK(busiest_of(even, 4, 1e4, 0.0) == Approx(1.0 + 0.010294).epsilon(1e-5));
}

TEST_CASE("zipf and dirichlet shares have the mean and the spread they are named for") {
  const auto zipf = zipf_shares(64, 1.0);
  double sum = 0.0;
  for (const double share : zipf) sum += share;
  CHECK(sum == Approx(64.0));
  CHECK(zipf[0] / zipf[9] == Approx(10.0));
  double variance = 0.0;
  constexpr int draws = 200;
  for (int i = 0; i < draws; ++i) {
    for (const double share : dirichlet_shares(64, 4.0, static_cast<std::uint64_t>(i))) {
      variance += (share - 1.0) * (share - 1.0) / (64.0 * draws);
    }
  }
  CHECK(variance == Approx(63.0 / (64.0 * 4.0 + 1.0)).epsilon(0.05));  // of Dirichlet, times 64^2
  CHECK(dirichlet_shares(64, 0.01, 3) == dirichlet_shares(64, 0.01, 3));
}

TEST_CASE("no expert gets more copies than there are tokens") {
  std::vector<double> shares = zipf_shares(8, 3.0);
  limit_shares(shares, 2);
  CHECK(shares[0] == Approx(4.0));
}

TEST_CASE("extreme distributions give top_k experts everything, and no share is lost") {
  for (std::vector<double> shares :
       {zipf_shares(8, 100.0), zipf_shares(8, 1030.0), dirichlet_shares(8, 1e-6, 5),
        counted_shares(std::vector<std::int64_t>{1, 0, 0, 0, 0, 0, 0, 0})}) {
    limit_shares(shares, 2);
    double sum = 0.0;
    for (const double share : shares) {
      CHECK(share <= 4.0 + 1e-9);
      sum += share;
    }
    CHECK(sum == Approx(8.0));
  }
  const auto largest = [](const std::vector<double>& shares) {
    return *std::max_element(shares.begin(), shares.end());
  };
  CHECK(largest(dirichlet_shares(8, 1e-6, 5)) == Approx(8.0));
}

TEST_CASE("the wider the distribution, the busier the busiest rank") {
  Plan plan;
  plan.ep = 8;
  Training training = tokens(MoeBalance::dropless, 0.0);
  const auto load = [&](MoeDistribution distribution, double alpha) {
    training.moe_distribution = distribution;
    training.moe_alpha = alpha;
    return expert_load(experts(), training, plan);
  };
  const double uniform = load(MoeDistribution::uniform, 0.0);
  CHECK(uniform == expert_load(experts(), tokens(MoeBalance::dropless, 0.0), plan));
  CHECK(load(MoeDistribution::zipf, 0.3) > uniform);
  CHECK(load(MoeDistribution::zipf, 1.0) > load(MoeDistribution::zipf, 0.3));
  CHECK(load(MoeDistribution::dirichlet, 1.0) > load(MoeDistribution::dirichlet, 10.0));
  // A concentration of 25 is a standard deviation of 0.2.
  CHECK(load(MoeDistribution::dirichlet, 25.0) ==
        Approx(expert_load(experts(), tokens(MoeBalance::dropless, 0.2), plan)).epsilon(0.03));
  training.moe_distribution = MoeDistribution::shares;
  training.moe_shares.assign(64, 0);
  training.moe_shares[0] = training.moe_shares[1] = training.moe_shares[2] = 1;
  training.moe_shares[3] = 1;
  CHECK(expert_load(experts(), training, plan) == Approx(8.0).epsilon(1e-3));  // all on rank 0
}
