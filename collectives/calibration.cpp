#include "collectives/calibration.hpp"

#include <algorithm>
#include <cmath>

#include "sim/contracts.hpp"

namespace collectives {
namespace {

double log_log(double x, const CalibratedPoint& low, const CalibratedPoint& high) {
  const double x0 = std::log(std::max(1.0, low.bytes.as_double()));
  const double x1 = std::log(high.bytes.as_double());
  const double y0 = std::log(low.time.seconds());
  const double y1 = std::log(high.time.seconds());
  return std::exp(y0 + (y1 - y0) * (std::log(std::max(1.0, x)) - x0) / (x1 - x0));
}

const FitSegment& segment_of(const CalibratedFit& fit, sim::Bytes bytes) {
  SIM_EXPECTS(!fit.segments.empty(), "a fit with segments");
  const FitSegment* found = &fit.segments.front();
  for (const FitSegment& segment : fit.segments) {
    if (segment.from <= bytes) found = &segment;
  }
  return *found;
}

// Rounds of messages one after the other: trees for what can be one, rings and pairwise exchange
// for the rest (Thakur, Rabenseifner, Gropp, IJHPCA 2005).
double steps_of(Kind kind, std::uint32_t members) {
  const double n = std::max(2U, members);
  switch (kind) {
    case Kind::all_reduce:
    case Kind::broadcast:
      return std::ceil(std::log2(n));
    case Kind::send_recv:
      return 1.0;
    default:
      return n - 1.0;
  }
}

// Bytes a member sends per byte of the buffer, as bandwidth-optimal algorithms do.
double volume_of(Kind kind, std::uint32_t members) {
  const double n = std::max(2U, members);
  if (kind == Kind::send_recv || kind == Kind::broadcast) return 1.0;
  return (kind == Kind::all_reduce ? 2.0 : 1.0) * (n - 1.0) / n;
}

bool usable(const CalibratedFit& fit, Kind kind) {
  return fit.kind == kind && fit.algorithm == "default" && !fit.segments.empty();
}

// The same links: all inside a domain, or between domains with as many members in each.
bool same_level(const CalibratedFit& fit, const GroupFacts& group) {
  if (group.one_domain() || fit.domains <= 1) return group.one_domain() && fit.domains <= 1;
  return std::uint64_t{fit.members} * group.domains == std::uint64_t{group.members} * fit.domains;
}

// Smaller is better: first the distance in group size, then whether it is the wanted call.
const CalibratedFit* nearest_fit(Kind kind, const GroupFacts& group, Call call,
                                 const Calibration& calibration) {
  const CalibratedFit* best = nullptr;
  double least = 0.0;
  for (const CalibratedFit& fit : calibration.fits) {
    if (!usable(fit, kind) || !same_level(fit, group)) continue;
    const double ratio = static_cast<double>(fit.members) / static_cast<double>(group.members);
    const double distance = std::abs(std::log2(ratio)) + (fit.call == call ? 0.0 : 1e-6);
    if (best && distance >= least) continue;
    best = &fit;
    least = distance;
  }
  return best;
}

void apply(const CalibratedFit& fit, Kind kind, const GroupFacts& group, sim::Bytes bytes,
           Price& price) {
  const FitSegment& segment = segment_of(fit, bytes);
  const bool exact = fit.members == group.members && fit.domains == group.domains;
  // Between domains the steps that count are those through the network.
  const bool inside = group.one_domain();
  const double steps = steps_of(kind, inside ? group.members : group.domains) /
                       steps_of(kind, inside ? fit.members : fit.domains);
  const double volume = volume_of(kind, group.members) / volume_of(kind, fit.members);
  const double transfer = bytes.as_double() / segment.bandwidth.bytes_per_second();
  price.latency = sim::Time::from_seconds(segment.latency.seconds() * steps);
  price.transfer = sim::Time::from_seconds(transfer * volume);
  if (fit.compute_share) price.sm_share = *fit.compute_share;
  price.source = exact ? PriceSource::measured : PriceSource::scaled;
}

bool apply_points(Kind kind, const GroupFacts& group, sim::Bytes bytes,
                  const std::vector<CalibratedPoint>& points, Price& price) {
  const CalibratedPoint* below = nullptr;  // nearest with no more bytes
  const CalibratedPoint* above = nullptr;  // nearest with more
  const CalibratedPoint* least = nullptr;
  for (const CalibratedPoint& point : points) {
    if (point.kind != kind || point.members != group.members || point.domains != group.domains ||
        point.time <= sim::Time::zero()) {
      continue;
    }
    if (!least || point.bytes < least->bytes) least = &point;
    if (point.bytes <= bytes && (!below || point.bytes > below->bytes)) below = &point;
    if (point.bytes > bytes && (!above || point.bytes < above->bytes)) above = &point;
  }
  if (!least) return false;
  double seconds = least->time.seconds();
  if (below && above) {
    seconds = log_log(bytes.as_double(), *below, *above);
  } else if (below && below->bytes.count() > 0) {
    seconds = below->time.seconds() * bytes.as_double() / below->bytes.as_double();
  }
  const sim::Time total = sim::Time::from_seconds(seconds);
  price.latency = std::min({price.latency, least->time, total});
  price.transfer = total - price.latency;
  price.source = PriceSource::measured;
  return true;
}

}  // namespace

double seconds_of(const CalibratedFit& fit, sim::Bytes bytes) {
  const FitSegment& segment = segment_of(fit, bytes);
  return segment.latency.seconds() + bytes.as_double() / segment.bandwidth.bytes_per_second();
}

void calibrate(Kind kind, const GroupFacts& group, sim::Bytes bytes, Call call,
               const Calibration& calibration, Price& price) {
  const CalibratedFit* fit = nearest_fit(kind, group, call, calibration);
  const bool exact = fit && fit->members == group.members && fit->domains == group.domains;
  if (!exact && apply_points(kind, group, bytes, calibration.points, price)) return;
  if (fit) apply(*fit, kind, group, bytes, price);
}

}  // namespace collectives
