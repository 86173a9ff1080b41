// Measured times in place of modelled ones.
#pragma once

#include <vector>

#include "collectives/group_facts.hpp"
#include "collectives/library.hpp"

namespace collectives {

// If there are points of this kind, group size and number of domains: replaces the price's total by
// their log-log interpolation over bytes. Beyond the last point the time grows in proportion to the
// bytes, below the first one it stays.
void calibrate(Kind kind, const GroupFacts& group, sim::Bytes bytes,
               const std::vector<CalibratedPoint>& points, Price& price);

}  // namespace collectives
