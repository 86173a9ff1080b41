// Stated distributions of tokens over experts, and what the busiest rank gets by them.
//
// Shares are an expert's token copies over the mean of all experts. Popular experts lie on any
// rank: where the experts' order says nothing (zipf, dirichlet), results are means over 32 seeded
// placements or draws, the same on every run.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/model.hpp"
#include "strategies/plan.hpp"

namespace strategies {

// The i-th most popular of `experts` gets a share that falls with i to the power of `exponent`.
std::vector<double> zipf_shares(std::int64_t experts, double exponent);
// One draw of a symmetric Dirichlet distribution with this concentration for each expert: standard
// deviation of a share 1 / sqrt(concentration) for many experts. Equal for equal seeds.
std::vector<double> dirichlet_shares(std::int64_t experts, double concentration,
                                     std::uint64_t seed);
// Of counted tokens, in the order of the experts.
std::vector<double> counted_shares(std::span<const std::int64_t> tokens);

// A token goes to `top_k` different experts, so none gets more than 1/top_k of all copies: what is
// over goes to the others, in proportion to their shares.
void limit_shares(std::vector<double>& shares, std::int64_t top_k);

// Expected token copies at the busiest of `ranks`, which hold equal runs of the experts in order,
// over the mean. `tokens` copies a rank on average; those of rank r are normal around their share,
// with the variance of a count. `room` ends each expert's share; 0 = it does not.
double busiest_of(std::span<const double> shares, std::int64_t ranks, double tokens, double room);

// Of so many independent standard normal variables: 0.564 of two, 1.424 of eight.
double expected_maximum(std::int64_t count);

// By training.moe_distribution: zipf, dirichlet or shares.
double busiest_by_distribution(const models::Moe& moe, const Training& training, std::int64_t ranks,
                               double tokens);

}  // namespace strategies
