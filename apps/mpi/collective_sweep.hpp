// One collective over all sizes, measured in passes.
#pragma once

#include <functional>
#include <random>
#include <vector>

#include "apps/mpi/collective_bench.hpp"
#include "studies/calibration_profile.hpp"

namespace apps::mpi {

inline constexpr std::int64_t kSmallestMessage = 8, kLargestMessage = 32 << 20;
inline constexpr std::int64_t kLeastTested = 1024;

// Random on a logarithmic scale, so that powers of two do not look like a protocol.
struct SweepSizes {
  std::vector<std::int64_t> fitted, tested;
};
SweepSizes make_sizes(std::size_t fitted, std::size_t tested);

// In every pass all sizes come once, in random order; their times are medians over the passes.
// While a pass of one collective runs, others wait for theirs: a bad second of the machine spoils
// a pass, and no size's time.
class CollectiveSweep {
 public:
  CollectiveSweep(collectives::Kind kind, collectives::Call call, const SweepSizes& sizes,
                  const CollectiveBench& bench);

  // About `seconds`. With `hurried`, which all members agree on, before every size: from then on no
  // more sizes than `enough` has.
  void pass(CollectiveBench& bench, double seconds, const std::function<bool()>& hurried,
            std::size_t enough_fitted, std::size_t enough_tested);

  collectives::Kind kind() const { return kind_; }
  collectives::Call call() const { return call_; }
  // Segments, errors on the sizes that were held back, and the confidence interval.
  void fit(studies::FittedCollective& out) const;

 private:
  struct Size {
    std::int64_t bytes = 0;
    bool fits = true;
    std::vector<double> times{}, widths{};
  };
  std::size_t count(bool fits) const;

  collectives::Kind kind_;
  collectives::Call call_;
  std::vector<Size> sizes_;
  std::mt19937 random_{7};
};

}  // namespace apps::mpi
