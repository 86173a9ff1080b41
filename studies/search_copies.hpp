// Activations that go to host memory and come back. Part of the pipeline bound.
//
// Copies of one direction follow each other on a rank. A unit of a forward waits until the copy of
// the unit before it is done; a unit of a backward waits for its own, which starts no earlier than
// the unit before it, or the pass. So however they fall, a pass lasts until all but its last copy
// are gone, or until all are back.
#pragma once

#include <vector>

#include "strategies/mesh.hpp"
#include "studies/search_units.hpp"

namespace studies {

class ActivationCopies {
 public:
  ActivationCopies(QuietPrices& prices, const GroupShapes& shapes, std::size_t stages)
      : prices_(prices), shapes_(shapes), down_(stages, 0.0), up_(stages, 0.0) {}

  // When a pass is over that starts at `start` and would be over at `finish` without its copies.
  // `last_stays`: what the last unit keeps is not copied (the end of the model).
  double finish(std::size_t stage, strategies::PassKind kind, const PassCosts& piece,
                bool last_stays, double start, double finish);

 private:
  double time(strategies::GroupKind way, double bytes, std::int64_t copies) const;

  QuietPrices& prices_;
  const GroupShapes& shapes_;
  std::vector<double> down_, up_;  // per stage: when the copies so far are done
};

}  // namespace studies
