// Statistics against values worked out by hand.
#include <catch2/catch.hpp>

#include "studies/validate_statistics.hpp"

using namespace studies;

TEST_CASE("percentiles interpolate between closest ranks") {
  CHECK(percentile({4, 1, 3, 2}, 0.5) == Approx(2.5));
  CHECK(percentile({4, 1, 3, 2}, 0.9) == Approx(3.7));
  CHECK(percentile({5, 1, 3}, 0.5) == Approx(3.0));
  CHECK(percentile({7}, 0.9) == Approx(7.0));
  CHECK(percentile({1, 2, 3}, 1.0) == Approx(3.0));
  CHECK(percentile({}, 0.5) == 0.0);
}

TEST_CASE("errors are summed up by size, the bias by sign") {
  const ErrorStatistics statistics = error_statistics({0.10, -0.20, 0.04, -0.02});
  CHECK(statistics.count == 4);
  CHECK(statistics.median == Approx(0.07));
  CHECK(statistics.mean == Approx(0.09));
  CHECK(statistics.p90 == Approx(0.17));  // 0.10 + 0.7 * (0.20 - 0.10)
  CHECK(statistics.bias == Approx(-0.02));
  CHECK(error_statistics({}).count == 0);
}

TEST_CASE("Spearman's correlation without ties is 1 - 6 sum d^2 / n(n^2 - 1)") {
  CHECK(spearman({1, 2, 3, 4}, {10, 20, 30, 40}) == Approx(1.0));
  CHECK(spearman({1, 2, 3, 4}, {4, 3, 2, 1}) == Approx(-1.0));
  // ranks 1 2 3 4 5 against 2 1 4 3 5: sum d^2 = 4, so 1 - 24 / 120.
  CHECK(spearman({1, 2, 3, 4, 5}, {2, 1, 4, 3, 5}) == Approx(0.8));
}

TEST_CASE("ties share their mean rank") {
  // ranks 1 2.5 2.5 4 against 1 2 3 4: Pearson gives 4.5 / sqrt(4.5 * 5).
  CHECK(spearman({1, 2, 2, 3}, {1, 2, 3, 4}) == Approx(0.9486832981));
  CHECK(spearman({1, 1, 1}, {1, 2, 3}) == 0.0);
}

TEST_CASE("regret is what the predicted best loses") {
  CHECK(regret({1, 3, 2}, {100, 90, 120}) == Approx(0.25));
  CHECK(regret({1, 2, 3}, {100, 90, 120}) == Approx(0.0));
  CHECK(regret({5, 5}, {80, 100}) == Approx(0.2));  // the earlier of equals
}
