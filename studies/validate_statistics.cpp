#include "studies/validate_statistics.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace studies {

namespace {

// Rank of each value, 1-based; equal values share the mean of their ranks.
std::vector<double> ranks(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> rank(values.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t last = first;
    while (last < order.size() && values[order[last]] == values[order[first]]) ++last;
    const double shared = 0.5 * static_cast<double>(first + 1 + last);
    for (; first < last; ++first) rank[order[first]] = shared;
  }
  return rank;
}

}  // namespace

double percentile(std::vector<double> values, double fraction) {
  if (values.empty()) return 0.0;
  std::sort(values.begin(), values.end());
  const double position = fraction * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(position));
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (position - std::floor(position)) * (values[above] - values[below]);
}

double mean(const std::vector<double>& values) {
  if (values.empty()) return 0.0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

ErrorStatistics error_statistics(const std::vector<double>& errors) {
  std::vector<double> sizes;
  sizes.reserve(errors.size());
  for (const double error : errors) sizes.push_back(std::abs(error));
  return {errors.size(), percentile(sizes, 0.5), mean(sizes), percentile(sizes, 0.9), mean(errors)};
}

double spearman(const std::vector<double>& first, const std::vector<double>& second) {
  const std::vector<double> a = ranks(first);
  const std::vector<double> b = ranks(second);
  const double centre = mean(a);  // the same for both: ranks of n values
  double both = 0.0, a_alone = 0.0, b_alone = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    both += (a[i] - centre) * (b[i] - centre);
    a_alone += (a[i] - centre) * (a[i] - centre);
    b_alone += (b[i] - centre) * (b[i] - centre);
  }
  if (a_alone == 0.0 || b_alone == 0.0) return 0.0;
  return both / std::sqrt(a_alone * b_alone);
}

double regret(const std::vector<double>& predicted, const std::vector<double>& measured) {
  const auto choice = std::max_element(predicted.begin(), predicted.end()) - predicted.begin();
  const double best = *std::max_element(measured.begin(), measured.end());
  return 1.0 - measured[static_cast<std::size_t>(choice)] / best;
}

}  // namespace studies
