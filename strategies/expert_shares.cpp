#include "strategies/expert_shares.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "sim/contracts.hpp"

namespace strategies {
namespace {

constexpr int kDraws = 32;

// splitmix64 (Steele et al. 2014): the same numbers everywhere, unlike the standard library's
// distributions.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  double uniform() { return (static_cast<double>(next() >> 11) + 0.5) * 0x1.0p-53; }
  double normal() {  // Box and Muller
    constexpr double two_pi = 6.283185307179586;
    const double radius = std::sqrt(-2.0 * std::log(uniform()));
    return radius * std::cos(two_pi * uniform());
  }
  // The logarithm of a draw (small shapes have draws below every double). Marsaglia and Tsang
  // (2000); below 1 by the boost of the same paper.
  double log_gamma(double shape) {
    if (shape < 1.0) {
      const double boost = std::log(uniform()) / shape;
      return log_gamma(shape + 1.0) + boost;
    }
    const double d = shape - 1.0 / 3.0;
    const double c = 1.0 / std::sqrt(9.0 * d);
    while (true) {
      const double x = normal();
      const double v = std::pow(1.0 + c * x, 3.0);
      if (v > 0.0 && std::log(uniform()) < 0.5 * x * x + d - d * v + d * std::log(v))
        return std::log(d * v);
    }
  }

 private:
  std::uint64_t state_;
};

void normalise(std::vector<double>& shares) {
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  SIM_EXPECTS(sum > 0.0, "some expert gets tokens");
  for (double& share : shares) share *= static_cast<double>(shares.size()) / sum;
}

void shuffle(std::vector<double>& shares, Random& random) {
  for (std::size_t i = shares.size(); i > 1; --i) {
    std::swap(shares[i - 1], shares[static_cast<std::size_t>(random.next() % i)]);
  }
}

struct Normal {
  double mean;
  double deviation;

  double below(double x) const {  // distribution function
    return 0.5 * std::erfc((mean - x) / (deviation * std::sqrt(2.0)));
  }
};

// The mean of the largest of independent variables: what its distribution function lacks to one.
double largest_of(const std::vector<Normal>& variables) {
  constexpr int points = 64;
  double low = -std::numeric_limits<double>::infinity();
  double high = low;
  for (const Normal& variable : variables) {
    low = std::max(low, variable.mean - 6.0 * variable.deviation);
    high = std::max(high, variable.mean + 6.0 * variable.deviation);
  }
  double lacking = 0.0;
  for (int i = 0; i < points; ++i) {
    const double x = low + (high - low) * (i + 0.5) / points;
    double all = 1.0;
    for (const Normal& variable : variables) {
      if (all > 0.0) all *= variable.below(x);
    }
    lacking += 1.0 - all;
  }
  return low + lacking * (high - low) / points;
}

}  // namespace

std::vector<double> zipf_shares(std::int64_t experts, double exponent) {
  std::vector<double> shares(static_cast<std::size_t>(experts));
  for (std::size_t i = 0; i < shares.size(); ++i) {
    shares[i] = std::pow(static_cast<double>(i + 1), -exponent);
  }
  normalise(shares);
  return shares;
}

std::vector<double> dirichlet_shares(std::int64_t experts, double concentration,
                                     std::uint64_t seed) {
  Random random(seed);
  std::vector<double> shares(static_cast<std::size_t>(experts));
  for (double& share : shares) share = random.log_gamma(concentration);
  const double most = *std::max_element(shares.begin(), shares.end());
  for (double& share : shares) share = std::exp(share - most);
  normalise(shares);
  return shares;
}

std::vector<double> counted_shares(std::span<const std::int64_t> tokens) {
  std::vector<double> shares(tokens.begin(), tokens.end());
  normalise(shares);
  return shares;
}

void limit_shares(std::vector<double>& shares, std::int64_t top_k) {
  const double most = static_cast<double>(shares.size()) / static_cast<double>(top_k);
  // Each round fixes at least one share at the limit.
  for (std::size_t round = 0; round < shares.size(); ++round) {
    double over = 0.0;
    double rest = 0.0;
    double others = 0.0;
    for (const double share : shares) {
      if (share > most) over += share - most;
      if (share >= most) continue;
      rest += share;
      others += 1.0;
    }
    if (over <= 1e-12 || others == 0.0) break;
    for (double& share : shares) {
      // In proportion; equally where the others get nothing that a double can hold.
      const double part = rest > 0.0 ? share / rest : 1.0 / others;
      share = share >= most ? most : share + over * part;
    }
  }
  for (double& share : shares) share = std::min(share, most);
}

double busiest_of(std::span<const double> shares, std::int64_t ranks, double tokens, double room) {
  SIM_EXPECTS(shares.size() % static_cast<std::size_t>(ranks) == 0, "equal runs of experts");
  const std::size_t each = shares.size() / static_cast<std::size_t>(ranks);
  std::vector<Normal> loads;
  for (std::size_t first = 0; first < shares.size(); first += each) {
    double sum = 0.0;
    for (std::size_t i = first; i < first + each; ++i) {
      sum += room > 0.0 ? std::min(shares[i], room) : shares[i];
    }
    const double load = sum / static_cast<double>(each);
    loads.push_back({load, std::sqrt(std::max(load, 1e-12) / tokens)});
  }
  return largest_of(loads);
}

double expected_maximum(std::int64_t count) {
  return largest_of(std::vector<Normal>(static_cast<std::size_t>(count), Normal{0.0, 1.0}));
}

double busiest_by_distribution(const models::Moe& moe, const Training& training, std::int64_t ranks,
                               double tokens) {
  const double room =
      training.moe_balance == MoeBalance::drop ? std::max(1.0, moe.capacity_factor) : 0.0;
  const auto busiest = [&](std::vector<double> shares) {
    limit_shares(shares, moe.top_k);
    return busiest_of(shares, ranks, tokens, room);
  };
  if (training.moe_distribution == MoeDistribution::shares) {
    return busiest(counted_shares(training.moe_shares));
  }
  double sum = 0.0;
  Random placement(1);
  for (int draw = 0; draw < kDraws; ++draw) {
    if (training.moe_distribution == MoeDistribution::zipf) {
      std::vector<double> shares = zipf_shares(moe.experts, training.moe_alpha);
      limit_shares(shares, moe.top_k);
      shuffle(shares, placement);
      sum += busiest_of(shares, ranks, tokens, room);
    } else {
      sum += busiest(
          dirichlet_shares(moe.experts, training.moe_alpha, static_cast<std::uint64_t>(draw + 1)));
    }
  }
  return sum / kDraws;
}

}  // namespace strategies
