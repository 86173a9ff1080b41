// Measured times in place of modelled ones.
#pragma once

#include "collectives/group_facts.hpp"
#include "collectives/library.hpp"

namespace collectives {

// What a fit says of so many bytes, in seconds. REQUIRES: a segment.
double seconds_of(const CalibratedFit& fit, sim::Bytes bytes);

// Replaces the price's time, in this order, by: the fit of this kind, group size and number of
// domains (of the wanted call where there is one); the log-log interpolation of its points (beyond
// the last one the time grows in proportion to the bytes, below the first one it stays); the fit of
// the nearest other group size over the same links, its latency scaled by the steps and its
// transfer by the bytes a member moves. Price::source tells which. Only the algorithm "default",
// the library's own choice, counts.
void calibrate(Kind kind, const GroupFacts& group, sim::Bytes bytes, Call call,
               const Calibration& calibration, Price& price);

}  // namespace collectives
