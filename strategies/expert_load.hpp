// How unevenly tokens spread over the ranks that share a layer's experts.
#pragma once

#include "models/model.hpp"
#include "strategies/plan.hpp"

namespace strategies {

// Token copies at the busiest of the ep ranks over the mean; all others wait for it. By default an
// expert's share of the tokens is taken as normal around the mean: chance (k of E experts per
// token, drawn at random) and the stated imbalance of the router add up, and of ep ranks with E/ep
// experts each the busiest counts. Other distributions: expert_shares.hpp. `balanced` is 1; `drop`
// ends at the capacity factor (1 when none is given); `dropless` takes all.
double expert_load(const models::Moe& moe, const Training& training, const Plan& plan);

// Domains that the experts of a token lie in, of `domains` that hold them: the model's limit where
// it has one, else the expected number for top_k experts drawn at random.
double visited_domains(const models::Moe& moe, std::int64_t domains);

}  // namespace strategies
