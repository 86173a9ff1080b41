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

  struct Times {
    std::array<double, kPassKinds> pass{};  // the least that each kind of pass takes
    // What a backward that makes gradients final adds where their reduction is not overlapped: each
    // unit waits for its own.
    double reduction = 0.0;
  };
  // Of a chunk, whose number is `number` (StageLayout).
  const Times& times(const OuterPlan& plan, const strategies::Chunk& chunk, std::uint32_t number);

 private:
  double pass(const OuterPlan& plan, const strategies::Chunk& chunk, strategies::PassKind kind);
  double still_there(const OuterPlan& plan, const strategies::Chunk& chunk,
                     const strategies::Program& backward);
  double blocking_reduction(const OuterPlan& plan, const strategies::Chunk& chunk);

  UnitTables& units_;
  QuietPrices& prices_;
  std::map<std::vector<std::int64_t>, Times> known_;
};

}  // namespace studies
