// Searches of the same model and batch on several GPU counts, put together.
//
// Each count is searched by itself, exactly. The best of all are among the best of each; and what
// is on no front of step time and memory of its own count is on none of all: within one count cost
// is proportional to step time, and a GPU costs the same in every count.
#pragma once

#include <span>
#include <vector>

#include "studies/search.hpp"

namespace studies {

struct SearchedCount {
  const scenarios::Scenario* base = nullptr;  // with its GPU count, price and batch
  const SearchResult* result = nullptr;
};

// One of a count's `best` or `pareto`.
struct FoundPlace {
  std::size_t count = 0;  // index among the counts
  std::size_t place = 0;
  bool operator==(const FoundPlace&) const = default;
};

// Beside step time and memory.
struct FrontAxes {
  bool gpus = false;
  bool cost = false;
};

// Price of a step in USD; GPU-hours where the cluster says nothing of price.
double step_cost(const scenarios::Scenario& base, std::int64_t step_ps);

// The `top` best, best first; ties by step time, memory, count, place.
std::vector<FoundPlace> best_of_counts(std::span<const SearchedCount> counts, Objective objective,
                                       std::size_t top);

// None is as good as another in every axis, unless it is the first of equals by count and place.
// Fastest first; ties by memory, count, place.
std::vector<FoundPlace> front_of_counts(std::span<const SearchedCount> counts, FrontAxes axes);

SearchCounts total(std::span<const SearchedCount> counts);

}  // namespace studies
