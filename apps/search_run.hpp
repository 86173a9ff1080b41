// What the search on threads and the search over MPI ranks share.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "apps/search_options.hpp"
#include "studies/search_team.hpp"

namespace apps {

// One a GPU count.
std::vector<scenarios::Scenario> read_search_scenarios(const SearchOptions& options);

// A scenario that is searched; the team works on its parts as long as it lives.
struct SearchedSpace {
  explicit SearchedSpace(const scenarios::Scenario& searched)
      : scenario(searched), space(searched), cache(space.base(), space.host_links()) {}
  scenarios::Scenario scenario;
  studies::SearchSpace space;
  scenarios::PredictionCache cache;
};
using MakeTeam = std::function<std::unique_ptr<studies::SearchTeam>(
    std::size_t number, SearchedSpace& space, const studies::SearchSpace::Stop& stop)>;

// Searches them one after the other, prints, and returns the exit code.
int run_search(const SearchOptions& options, std::vector<std::unique_ptr<SearchedSpace>>& spaces,
               const MakeTeam& make_team);

std::vector<std::unique_ptr<SearchedSpace>> search_spaces(
    const std::vector<scenarios::Scenario>& scenarios);

}  // namespace apps
