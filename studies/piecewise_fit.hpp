// Fits time = latency + bytes / bandwidth in pieces, one for each protocol a library switches to.
//
// Least squares of relative errors (absolute ones only see the large sizes), latency and slope not
// negative. Where the pieces begin is found by dynamic programming over all cuts; how many there
// are, by the Bayesian information criterion. The method follows what calibrations of SimGrid and
// LogGP do (docs/calibration.md).
#pragma once

#include <cstdint>
#include <vector>

#include "collectives/library.hpp"

namespace studies {

struct Timing {
  std::int64_t bytes = 0;
  double seconds = 0.0;
};

// Relative errors |predicted / measured - 1| of a fit on timings it has not seen.
struct FitQuality {
  std::size_t points = 0;    // sizes the fit was made of
  double fit_median = 0.0;   // error on them
  std::size_t held_out = 0;  // sizes it was tested on
  double median = 0.0, p90 = 0.0, worst = 0.0;
};

inline constexpr std::size_t kMaxSegments = 6;
inline constexpr std::size_t kLeastPoints = 3;  // fewer cannot give latency and bandwidth

// Equal sizes are joined by their median. REQUIRES: at least kLeastPoints distinct sizes, positive
// bytes and times.
std::vector<collectives::FitSegment> fit_segments(std::vector<Timing> timings);

// `quality.points` and the error on them; held_out from `test`, sizes below `least` left out.
FitQuality test_fit(const std::vector<collectives::FitSegment>& segments,
                    const std::vector<Timing>& train, const std::vector<Timing>& test,
                    std::int64_t least = 0);

// Where sizes are few: every fourth inner size is held out and the rest fitted; the errors are of
// that, the segments of all sizes.
struct CrossChecked {
  std::vector<collectives::FitSegment> segments;
  FitQuality quality;
};
CrossChecked fit_and_check(const std::vector<Timing>& timings);

double median(std::vector<double> values);
double quantile(std::vector<double> values, double share);

}  // namespace studies
