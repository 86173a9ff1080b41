// What waits in a search to be bounded more sharply, or simulated.
#pragma once

#include <cstdint>
#include <queue>
#include <tuple>
#include <utility>
#include <vector>

#include "studies/search.hpp"
#include "studies/search_bounds.hpp"

namespace studies {

// How sharp an item's bounds are: those of its core, with the chain's time, of its variant before
// and after links are known to be shared (search_bounds.hpp).
enum class Level : std::uint8_t { core, chain, variant, shared };
inline constexpr Level kSharpest = Level::shared;

struct Item {
  double key = 0.0;  // lower bound of the objective
  SearchBound bound;
  Candidate id;
  Level level = Level::core;
  double enough_ps = kNeverEnough;  // a time bound above this need not be sharper
};

struct Later {
  bool operator()(const Item& a, const Item& b) const {
    return std::tie(a.key, a.id, a.level) > std::tie(b.key, b.id, b.level);
  }
};

inline double objective_of(Objective objective, double time_ps, double memory_bytes) {
  // Tokens a step and the price of a second are the same for all strategies of a search.
  return objective == Objective::memory ? memory_bytes : time_ps;
}

// The foremost item is the top.
class SearchQueue : public std::priority_queue<Item, std::vector<Item>, Later> {
 public:
  std::vector<Item> take_all() { return std::exchange(c, {}); }  // in no order
};

}  // namespace studies
