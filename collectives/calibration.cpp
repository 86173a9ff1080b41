#include "collectives/calibration.hpp"

#include <algorithm>
#include <cmath>

namespace collectives {
namespace {

double log_log(double x, const CalibratedPoint& low, const CalibratedPoint& high) {
  const double x0 = std::log(std::max(1.0, low.bytes.as_double()));
  const double x1 = std::log(high.bytes.as_double());
  const double y0 = std::log(low.time.seconds());
  const double y1 = std::log(high.time.seconds());
  return std::exp(y0 + (y1 - y0) * (std::log(std::max(1.0, x)) - x0) / (x1 - x0));
}

}  // namespace

void calibrate(Kind kind, const GroupFacts& group, sim::Bytes bytes,
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
  if (!least) return;
  double seconds = least->time.seconds();
  if (below && above) {
    seconds = log_log(bytes.as_double(), *below, *above);
  } else if (below && below->bytes.count() > 0) {
    seconds = below->time.seconds() * bytes.as_double() / below->bytes.as_double();
  }
  const sim::Time total = sim::Time::from_seconds(seconds);
  price.latency = std::min({price.latency, least->time, total});
  price.transfer = total - price.latency;
}

}  // namespace collectives
