// What follows the last passes of a stage: the reduction of gradients that is still under way, the
// optimizer, the gathering of parameters. Part of the pipeline bound.
#pragma once

#include <map>
#include <vector>

#include "studies/search_units.hpp"

namespace studies {

class TailBound {
 public:
  // `plan` as one stage: without messages.
  TailBound(const scenarios::Scenario& scenario, const UnitTable& table,
            const strategies::Plan& plan, std::int64_t micro_batches, UnitTables& units,
            QuietPrices& prices, const GroupShapes& shapes)
      : scenario_(scenario),
        table_(table),
        plan_(plan),
        micro_batches_(micro_batches),
        units_(units),
        prices_(prices),
        shapes_(shapes) {}

  // When the step of a stage ends at the earliest. `last`: the pass of each chunk that makes its
  // gradients final, in order; `starts`: when each of these begins, by chunk; `passes_end`: when
  // the stage's passes are over.
  double end(const std::vector<strategies::Chunk>& chunks,
             const std::vector<strategies::PassSlot>& last, const std::vector<double>& starts,
             double passes_end);

 private:
  // Stages with equal units and passes have equal programs.
  using Key = std::vector<std::uintptr_t>;
  const strategies::Program& program(const std::vector<strategies::Chunk>& chunks,
                                     const std::vector<strategies::PassSlot>& last);

  const scenarios::Scenario& scenario_;
  const UnitTable& table_;
  const strategies::Plan& plan_;
  std::int64_t micro_batches_;
  UnitTables& units_;
  QuietPrices& prices_;
  const GroupShapes& shapes_;
  std::map<Key, strategies::Program> programs_;
};

}  // namespace studies
