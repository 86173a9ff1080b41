// Statistics of relative errors and of rankings. All functions are exact in the order of their
// input and independent of it where it does not matter.
//
// A relative error is predicted / measured - 1. Percentiles interpolate linearly between closest
// ranks (position p * (n - 1) of the sorted values), as numpy's default.
#pragma once

#include <cstddef>
#include <vector>

namespace studies {

// 0 <= fraction <= 1. Returns 0 for no values.
double percentile(std::vector<double> values, double fraction);
double mean(const std::vector<double>& values);

struct ErrorStatistics {
  std::size_t count = 0;
  double median = 0.0;  // of |error|
  double mean = 0.0;    // of |error|
  double p90 = 0.0;     // of |error|
  double bias = 0.0;    // mean of the signed error
};

ErrorStatistics error_statistics(const std::vector<double>& errors);

// Spearman's rank correlation: Pearson's correlation of the ranks, ties sharing their mean rank.
// 0 where either side is constant. REQUIRES: equal sizes, at least two values.
double spearman(const std::vector<double>& first, const std::vector<double>& second);

// What is lost by running the configuration predicted to be fastest: 1 - its measured throughput
// over the best measured one. Ties of the prediction go to the earlier entry.
// REQUIRES: equal sizes, at least one value, measured > 0.
double regret(const std::vector<double>& predicted, const std::vector<double>& measured);

}  // namespace studies
