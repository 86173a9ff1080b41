// The device that a core is while all ranks compute at the same time.
#include <fmt/format.h>
#include <mpi.h>

#include "apps/device_profile.hpp"
#include "apps/kernel_bench.hpp"
#include "apps/machine.hpp"
#include "apps/mpi/verify.hpp"

namespace apps::mpi {

void measure_device(double seconds, studies::CalibrationProfile& profile) {
  int ranks = 1;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  std::vector<studies::MeasuredKernel> kernels = kernels_to_measure();
  const Blas blas;
  std::vector<double> mine =
      time_kernels(kernels, blas, seconds, [] { MPI_Barrier(MPI_COMM_WORLD); });
  const int count = static_cast<int>(mine.size());
  std::vector<double> all(mine.size() * static_cast<std::size_t>(ranks));
  MPI_Allgather(mine.data(), count, MPI_DOUBLE, all.data(), count, MPI_DOUBLE, MPI_COMM_WORLD);
  for (std::size_t k = 0; k < kernels.size(); ++k) {
    std::vector<double> times;
    for (std::size_t rank = 0; rank < static_cast<std::size_t>(ranks); ++rank) {
      times.push_back(all[rank * kernels.size() + k]);
    }
    kernels[k].seconds = studies::median(times);
  }
  profile.fingerprint.emplace_back("blas", blas.version());
  add_local_device(local_machine(), static_cast<unsigned>(crowding().ranks), kernels, profile);
}

}  // namespace apps::mpi
