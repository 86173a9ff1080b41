#include "strategies/expert_load.hpp"

#include <algorithm>
#include <cmath>

#include "strategies/expert_shares.hpp"

namespace strategies {

double expert_load(const models::Moe& moe, const Training& training, const Plan& plan) {
  if (training.moe_balance == MoeBalance::balanced || plan.ep == 1) return 1.0;
  const auto real = [](std::int64_t value) { return static_cast<double>(value); };
  const double tokens = real(training.micro_batch) * real(training.seq_len) / real(plan.cp) *
                        real(plan.ep) / (plan.sequence_parallel ? real(plan.tp) : 1.0);
  double load = 0.0;
  if (training.moe_distribution == MoeDistribution::normal ||
      training.moe_distribution == MoeDistribution::uniform) {
    const double chance = real(moe.experts) / (tokens * real(moe.top_k));
    const double variance = chance + training.moe_imbalance * training.moe_imbalance;
    const double of_rank = std::sqrt(variance * real(plan.ep) / real(moe.experts));
    load = 1.0 + of_rank * expected_maximum(plan.ep);
  } else {
    load =
        busiest_by_distribution(moe, training, plan.ep, tokens * real(moe.top_k) / real(plan.ep));
  }
  load = std::min(real(plan.ep), load);
  if (training.moe_balance == MoeBalance::dropless) return load;
  return std::min(load, std::max(1.0, moe.capacity_factor));
}

double visited_domains(const models::Moe& moe, std::int64_t domains) {
  const auto all = static_cast<double>(domains);
  const auto top_k = static_cast<double>(moe.top_k);
  if (moe.node_limit > 0) return std::min({static_cast<double>(moe.node_limit), top_k, all});
  return all * (1.0 - std::pow(1.0 - 1.0 / all, top_k));
}

}  // namespace strategies
