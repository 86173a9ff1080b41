#include "apps/mpi/collective_sweep.hpp"

#include <algorithm>
#include <cmath>

namespace apps::mpi {
namespace {

// `count` sizes between the two, one in each of as many equal parts of the logarithmic scale.
std::vector<std::int64_t> random_sizes(std::int64_t least, std::int64_t most, std::size_t count,
                                       std::mt19937& random) {
  std::vector<std::int64_t> sizes;
  const double low = std::log(static_cast<double>(least));
  const double high = std::log(static_cast<double>(most));
  for (std::size_t i = 0; i < count; ++i) {
    const double share = (static_cast<double>(i) + static_cast<double>(random()) / 4294967296.0) /
                         static_cast<double>(count);
    sizes.push_back(static_cast<std::int64_t>(std::exp(low + share * (high - low))));
  }
  return sizes;
}

}  // namespace

SweepSizes make_sizes(std::size_t fitted, std::size_t tested) {
  std::mt19937 random(20260101);
  SweepSizes sizes;
  sizes.fitted = random_sizes(kSmallestMessage, kLargestMessage, fitted, random);
  sizes.fitted.front() = kSmallestMessage;
  sizes.fitted.back() = kLargestMessage;
  sizes.tested = random_sizes(kLeastTested, kLargestMessage, tested, random);
  return sizes;
}

CollectiveSweep::CollectiveSweep(collectives::Kind kind, collectives::Call call,
                                 const SweepSizes& sizes, const CollectiveBench& bench)
    : kind_(kind), call_(call) {
  for (const std::int64_t size : sizes.fitted) sizes_.push_back({bench.rounded(size), true});
  for (const std::int64_t size : sizes.tested) sizes_.push_back({bench.rounded(size), false});
}

std::size_t CollectiveSweep::count(bool fits) const {
  return static_cast<std::size_t>(std::count_if(sizes_.begin(), sizes_.end(), [&](const Size& s) {
    return s.fits == fits && !s.times.empty();
  }));
}

void CollectiveSweep::pass(CollectiveBench& bench, double seconds,
                           const std::function<bool()>& hurried, std::size_t enough_fitted,
                           std::size_t enough_tested) {
  std::shuffle(sizes_.begin(), sizes_.end(), random_);  // the same on all members
  const double each = seconds / static_cast<double>(sizes_.size());
  for (Size& size : sizes_) {
    const bool hurry = hurried();
    if (hurry && count(size.fits) >= (size.fits ? enough_fitted : enough_tested)) continue;
    const MeasuredTime time = bench.measure(kind_, size.bytes, call_, hurry ? 0.0 : each);
    size.times.push_back(time.seconds);
    size.widths.push_back(time.half_width);
  }
}

void CollectiveSweep::fit(studies::FittedCollective& out) const {
  std::vector<studies::Timing> fitted, tested;
  std::vector<double> widths;
  for (const Size& size : sizes_) {
    if (size.times.empty()) continue;
    (size.fits ? fitted : tested).push_back({size.bytes, studies::median(size.times)});
    widths.push_back(studies::median(size.widths));
  }
  out.fit.segments = studies::fit_segments(fitted);
  out.quality = studies::test_fit(out.fit.segments, fitted, tested, kLeastTested);
  out.half_width = studies::median(widths);
}

}  // namespace apps::mpi
