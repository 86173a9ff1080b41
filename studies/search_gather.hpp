// ZeRO-3: passes that gather their units as they go. Part of the pipeline bound. One object a
// thread: it remembers what it has timed.
#pragma once

#include <array>
#include <map>
#include <vector>

#include "studies/search_tail.hpp"

namespace studies {

class GatheredPasses {
 public:
  GatheredPasses(UnitTables& units, QuietPrices& prices) : units_(units), prices_(prices) {}

  // The least that a pass of a chunk takes, whose number is `number` (StageLayout).
  double time(const OuterPlan& plan, const strategies::Chunk& chunk, std::uint32_t number,
              strategies::PassKind kind);
  // What a backward that makes gradients final adds where their reduction is not overlapped: each
  // unit waits for its own.
  double blocking_reduction(const OuterPlan& plan, const strategies::Chunk& chunk);

 private:
  static strategies::Plan of_pass(const strategies::Plan& plan);
  double pass(const OuterPlan& plan, const strategies::Chunk& chunk, strategies::PassKind kind);
  double still_there(const OuterPlan& plan, const strategies::Chunk& chunk,
                     const strategies::Program& backward);

  UnitTables& units_;
  QuietPrices& prices_;
  std::map<std::vector<std::int64_t>, double> known_;
};

}  // namespace studies
