// What the search on threads and the search over MPI ranks share.
#pragma once

#include "apps/search_options.hpp"
#include "scenarios/prediction_cache.hpp"
#include "studies/search_team.hpp"

namespace apps {

scenarios::Scenario read_search_scenario(const SearchOptions& options);

// Searches, prints, and returns the exit code.
int run_search(const SearchOptions& options, const studies::SearchSpace& space,
               scenarios::PredictionCache& cache, studies::SearchTeam& team);

}  // namespace apps
