// The result of a search, as table and as JSON (docs/search.md, "Result").
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "apps/search_options.hpp"
#include "scenarios/report.hpp"
#include "studies/search.hpp"

namespace apps {

// Every strategy that is shown, with its full report.
struct SearchReports {
  std::vector<scenarios::Report> best;
  std::vector<scenarios::Report> pareto;
};

nlohmann::ordered_json search_json(const SearchOptions& options,
                                   const studies::SearchResult& result,
                                   const SearchReports& reports);
std::string search_table(const SearchOptions& options, const studies::SearchResult& result,
                         const SearchReports& reports);
// "no feasible strategy: 812 rejected by memory (best misses by 3.1 GiB), 96 by divisibility".
std::string nothing_found(const studies::SearchCounts& counts);

}  // namespace apps
