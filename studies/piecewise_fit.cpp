#include "studies/piecewise_fit.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "collectives/calibration.hpp"
#include "sim/contracts.hpp"

namespace studies {
namespace {

using collectives::FitSegment;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kFastest = 1e18;  // bytes/s: the bandwidth of a piece whose time does not grow

struct Line {
  double latency = 0.0;
  double slope = 0.0;  // s/byte
  double error = 0.0;  // sum of squared relative residuals
};

// Sums over a stretch of points from which its best line follows.
struct Sums {
  double n = 0, u = 0, v = 0, uu = 0, uv = 0, vv = 0;  // u = 1/t, v = s/t

  void add(const Timing& timing) {
    const double a = 1.0 / timing.seconds;
    const double b = static_cast<double>(timing.bytes) * a;
    n += 1.0;
    u += a;
    v += b;
    uu += a * a;
    uv += a * b;
    vv += b * b;
  }
};

double squares(const Sums& s, double latency, double slope) {
  return s.n - 2.0 * (latency * s.u + slope * s.v) + latency * latency * s.uu +
         2.0 * latency * slope * s.uv + slope * slope * s.vv;
}

Line best_line(const Sums& s) {
  const double determinant = s.uu * s.vv - s.uv * s.uv;
  Line line;
  if (determinant > 1e-12 * s.uu * s.vv) {
    line.latency = (s.u * s.vv - s.v * s.uv) / determinant;
    line.slope = (s.v * s.uu - s.u * s.uv) / determinant;
  } else {
    line.latency = s.u / s.uu;
  }
  if (line.latency < 0.0) line = {0.0, s.v / s.vv, 0.0};
  if (line.slope < 0.0) line = {s.u / s.uu, 0.0, 0.0};
  line.error = std::max(0.0, squares(s, line.latency, line.slope));
  return line;
}

std::vector<Timing> joined(const std::vector<Timing>& timings) {
  std::map<std::int64_t, std::vector<double>> by_size;
  for (const Timing& timing : timings) {
    SIM_EXPECTS(timing.bytes > 0 && timing.seconds > 0.0, "timings of something");
    by_size[timing.bytes].push_back(timing.seconds);
  }
  std::vector<Timing> out;
  for (const auto& [bytes, seconds] : by_size) out.push_back({bytes, median(seconds)});
  return out;
}

// The best line through points i to j - 1, for all i < j.
std::vector<std::vector<Line>> all_lines(const std::vector<Timing>& timings) {
  const std::size_t n = timings.size();
  std::vector<std::vector<Line>> lines(n, std::vector<Line>(n + 1));
  for (std::size_t i = 0; i < n; ++i) {
    Sums sums;
    for (std::size_t j = i; j < n; ++j) {
      sums.add(timings[j]);
      lines[i][j + 1] = best_line(sums);
    }
  }
  return lines;
}

// cost[k][j]: least error of the first j points in k pieces of at least kLeastPoints; cut[k][j]:
// where the last of them begins.
struct Cuts {
  std::vector<std::vector<double>> cost;
  std::vector<std::vector<std::size_t>> cut;
};

Cuts all_cuts(const std::vector<std::vector<Line>>& lines, std::size_t most) {
  const std::size_t n = lines.size();
  Cuts cuts{std::vector(most + 1, std::vector(n + 1, kInfinity)),
            std::vector(most + 1, std::vector<std::size_t>(n + 1, 0))};
  cuts.cost[0][0] = 0.0;
  for (std::size_t k = 1; k <= most; ++k) {
    for (std::size_t j = kLeastPoints; j <= n; ++j) {
      for (std::size_t i = 0; i + kLeastPoints <= j; ++i) {
        const double cost = cuts.cost[k - 1][i] + lines[i][j].error;
        if (cost >= cuts.cost[k][j]) continue;
        cuts.cost[k][j] = cost;
        cuts.cut[k][j] = i;
      }
    }
  }
  return cuts;
}

// Three parameters a piece: latency, slope, and where it begins. Residuals below 1 % are noise.
std::size_t how_many(const Cuts& cuts, std::size_t n) {
  const double points = static_cast<double>(n);
  std::size_t best = 1;
  double least = kInfinity;
  for (std::size_t k = 1; k < cuts.cost.size(); ++k) {
    const double error = cuts.cost[k][n] / points + 1e-4;
    const double criterion =
        points * std::log(error) + 3.0 * static_cast<double>(k) * std::log(points);
    if (criterion >= least) continue;
    least = criterion;
    best = k;
  }
  return best;
}

std::vector<double> errors_of(const collectives::CalibratedFit& fit,
                              const std::vector<Timing>& timings, std::int64_t least) {
  std::vector<double> errors;
  for (const Timing& timing : joined(timings)) {
    if (timing.bytes < least) continue;
    const double predicted = seconds_of(fit, sim::Bytes{timing.bytes});
    errors.push_back(std::abs(predicted / timing.seconds - 1.0));
  }
  return errors;
}

}  // namespace

double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0.0;
  std::sort(values.begin(), values.end());
  const double at = share * static_cast<double>(values.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, values.size() - 1);
  return values[low] + (at - static_cast<double>(low)) * (values[high] - values[low]);
}

double median(std::vector<double> values) { return quantile(std::move(values), 0.5); }

std::vector<FitSegment> fit_segments(std::vector<Timing> timings) {
  timings = joined(timings);
  SIM_EXPECTS(timings.size() >= kLeastPoints, "enough sizes for a fit");
  const auto lines = all_lines(timings);
  const std::size_t n = timings.size();
  const Cuts cuts = all_cuts(lines, std::min(kMaxSegments, n / kLeastPoints));
  std::vector<FitSegment> segments;
  std::size_t end = n;
  for (std::size_t k = how_many(cuts, n); k > 0; --k) {
    const std::size_t begin = cuts.cut[k][end];
    const Line& line = lines[begin][end];
    // Between two measured sizes nothing says where the switch is: half-way, in logarithms.
    const double from = begin == 0 ? 0.0
                                   : std::sqrt(static_cast<double>(timings[begin - 1].bytes) *
                                               static_cast<double>(timings[begin].bytes));
    segments.push_back({sim::Bytes::ceil(from), sim::Time::from_seconds(line.latency),
                        sim::Bandwidth{line.slope > 1.0 / kFastest ? 1.0 / line.slope : kFastest}});
    end = begin;
  }
  std::reverse(segments.begin(), segments.end());
  return segments;
}

FitQuality test_fit(const std::vector<FitSegment>& segments, const std::vector<Timing>& train,
                    const std::vector<Timing>& test, std::int64_t least) {
  collectives::CalibratedFit fit;
  fit.segments = segments;
  const std::vector<double> known = errors_of(fit, train, 0);
  const std::vector<double> unseen = errors_of(fit, test, least);
  return {known.size(),   median(known),         unseen.size(),
          median(unseen), quantile(unseen, 0.9), quantile(unseen, 1.0)};
}

CrossChecked fit_and_check(const std::vector<Timing>& timings) {
  const std::vector<Timing> all = joined(timings);
  std::vector<Timing> train, test;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool inner = i > 0 && i + 1 < all.size();
    (inner && i % 4 == 2 ? test : train).push_back(all[i]);
  }
  CrossChecked out;
  out.segments = fit_segments(all);
  const auto trained = train.size() >= kLeastPoints ? fit_segments(train) : out.segments;
  out.quality = test_fit(trained, train, test);
  return out;
}

}  // namespace studies
