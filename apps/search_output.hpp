// The result of a search, as table and as JSON (docs/search.md, "Result").
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "apps/search_options.hpp"
#include "scenarios/report.hpp"
#include "studies/advice.hpp"
#include "studies/search_counts.hpp"

namespace apps {

// The usual rules, and where the search disagrees with them.
struct SearchAdvice {
  studies::Advice advice;
  scenarios::Report report;  // of the advised strategy, where it is possible
  std::vector<studies::Disagreement> disagreements;
};

// The search of one GPU count.
struct CountReports {
  std::int64_t gpus = 0;
  studies::SearchResult result;
  std::vector<scenarios::Report> best;
};

// Every strategy that is shown, with its full report.
struct SearchReports {
  std::vector<CountReports> counts;
  std::vector<scenarios::Report> best;
  std::vector<scenarios::Report> pareto;
  std::optional<SearchAdvice> advice;
  studies::FrontAxes axes;  // of the front
};

nlohmann::ordered_json search_json(const SearchOptions& options,
                                   const studies::SearchResult& result,
                                   const SearchReports& reports);
std::string search_table(const SearchOptions& options, const studies::SearchResult& result,
                         const SearchReports& reports);
nlohmann::ordered_json advice_json(const SearchAdvice& advice);
std::string advice_text(const SearchAdvice& advice, const SearchReports& reports);
// "no feasible strategy: 812 rejected by memory (best misses by 3.1 GiB), 96 by divisibility".
std::string nothing_found(const studies::SearchCounts& counts);

}  // namespace apps
