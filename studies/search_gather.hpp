// ZeRO-3: passes that gather their units as they go. Part of the pipeline bound. One object a
// thread: it remembers what it has timed.
#pragma once

#include <unordered_map>
#include <utility>
#include <vector>

#include "studies/search_tail.hpp"

namespace studies {

class GatheredPasses {
 public:
  GatheredPasses(UnitTables& units, QuietPrices& prices) : units_(units), prices_(prices) {}

  // Those of one plan. Most chunks of a model are equal: it looks for each kind once.
  class OfPlan {
   public:
    OfPlan(GatheredPasses& passes, const OuterPlan& plan);

    // The least that a pass of a chunk takes, whose number is `number` (StageLayout).
    double time(const strategies::Chunk& chunk, std::uint32_t number, strategies::PassKind kind);
    // What a backward that makes gradients final adds where their reduction is not overlapped: each
    // unit waits for its own.
    double blocking_reduction(const strategies::Chunk& chunk, std::uint32_t number);

   private:
    GatheredPasses& passes_;
    const strategies::Plan alone_;
    const OuterPlan plan_;
    std::vector<std::int64_t> key_;
    std::vector<std::pair<std::int64_t, double>> times_, reductions_;  // by number (and kind)
  };

 private:
  double pass(const OuterPlan& plan, const strategies::Chunk& chunk, strategies::PassKind kind);
  double reduction(const OuterPlan& plan, const strategies::Chunk& chunk);
  double still_there(const OuterPlan& plan, const strategies::Chunk& chunk,
                     const strategies::Program& backward);

  UnitTables& units_;
  QuietPrices& prices_;
  std::unordered_map<std::vector<std::int64_t>, double, NumbersHash> known_;  // looked up only
};

}  // namespace studies
