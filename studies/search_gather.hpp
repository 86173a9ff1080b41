// ZeRO-3: passes that gather their units as they go. Part of the pipeline bound.
#pragma once

#include <array>
#include <map>
#include <vector>

#include "studies/search_units.hpp"

namespace studies {

class GatheredPasses {
 public:
  // `plan` as one stage: without messages.
  GatheredPasses(const scenarios::Scenario& scenario, const UnitTable& table, strategies::Plan plan,
                 std::int64_t micro_batches, UnitTables& units, QuietPrices& prices,
                 const GroupShapes& shapes);

  // The least that each kind of pass of the chunk takes.
  const std::array<double, kPassKinds>& times(const strategies::Chunk& chunk);
  // What a backward that makes gradients final adds where their reduction is not overlapped: each
  // unit waits for its own.
  double blocking_reduction(const strategies::Chunk& chunk);

 private:
  double pass(const strategies::Chunk& chunk, strategies::PassKind kind);
  double still_there(const strategies::Chunk& chunk, const strategies::Program& backward);

  const scenarios::Scenario& scenario_;
  const UnitTable& table_;
  strategies::Plan plan_;
  std::int64_t micro_batches_;
  UnitTables& units_;
  QuietPrices& prices_;
  const GroupShapes& shapes_;
  std::map<std::vector<const strategies::UnitCost*>, std::array<double, kPassKinds>> known_;
};

}  // namespace studies
