#include "apps/mpi/overlap_bench.hpp"

#include <algorithm>
#include <iterator>
#include <optional>

#include "apps/blas.hpp"
#include "reports/file.hpp"
#include "studies/piecewise_fit.hpp"

namespace apps::mpi {
namespace {

constexpr int kSide = 192;  // a matrix product of a fraction of a millisecond
constexpr std::int64_t kSizes[] = {256 << 10, 1 << 20, 4 << 20};

class Compute {
 public:
  Compute() : a_(kSide * kSide, 0.5F), b_(kSide * kSide, 0.25F), c_(kSide * kSide) {}
  void slice() {
    blas_.multiply(false, false, kSide, kSide, kSide, a_.data(), b_.data(), 0.0F, c_.data());
  }

 private:
  Blas blas_;
  std::vector<float> a_, b_, c_;
};

std::optional<Compute> compute_if_possible() {
  try {
    return std::optional<Compute>(std::in_place);
  } catch (const reports::OutputError&) {
    return std::nullopt;
  }
}

}  // namespace

double compute_share(CollectiveBench& bench, collectives::Kind kind, double seconds) {
  std::optional<Compute> compute = compute_if_possible();
  if (!compute) return 1.0;
  const double each = seconds / (3.0 * std::size(kSizes));  // alone, in front, together
  const double slice = time_together(bench.comm(), each / 5, [&] { compute->slice(); }).seconds;
  std::vector<double> shares;
  for (const std::int64_t bytes : kSizes) {
    const double alone = bench.measure(kind, bytes, collectives::Call::nonblocking, each).seconds;
    const int slices = std::max(4, static_cast<int>(2.0 * alone / slice));
    const double in_front = time_together(bench.comm(), each, [&] {
                              for (int i = 0; i < slices; ++i) compute->slice();
                            }).seconds;
    const double together = time_together(bench.comm(), each, [&] {
                              MPI_Request request = bench.start(kind, bytes);
                              int done = 0;
                              for (int i = 0; i < slices; ++i) {
                                compute->slice();
                                if (done == 0) MPI_Test(&request, &done, MPI_STATUS_IGNORE);
                              }
                              MPI_Wait(&request, MPI_STATUS_IGNORE);
                            }).seconds;
    shares.push_back(std::clamp((together - in_front) / alone, 0.0, 1.0));
  }
  return studies::median(shares);
}

}  // namespace apps::mpi
