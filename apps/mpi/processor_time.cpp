// Whether other work ran on the processors that were measured.
#include <fmt/format.h>
#include <mpi.h>

#include <algorithm>
#include <ctime>

#include "apps/kernel_bench.hpp"
#include "apps/mpi/calibrate.hpp"

namespace apps::mpi {
namespace {

constexpr double kUsual = 0.97;  // what the system itself takes is well below 3 %

double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

ProcessorTime::ProcessorTime() : wall_(now_seconds()), processor_(processor_seconds()) {}

void ProcessorTime::doubt_kernels(studies::CalibrationProfile& profile) const {
  const double wall = std::max(1e-9, now_seconds() - wall_);
  const double mine = (processor_seconds() - processor_) / wall;
  double least = mine;
  MPI_Allreduce(&mine, &least, 1, MPI_DOUBLE, MPI_MIN, MPI_COMM_WORLD);
  if (least >= kUsual || crowding().crowded()) return;
  profile.doubts.push_back(
      fmt::format("other work had {:.0f} % of a processor while kernels were measured: measure "
                  "again on a quiet machine",
                  100.0 * (1.0 - least)));
}

}  // namespace apps::mpi
