// The device that a core is while all ranks compute at the same time.
#include <fmt/format.h>
#include <mpi.h>

#include "apps/device_profile.hpp"
#include "apps/kernel_bench.hpp"
#include "apps/machine.hpp"
#include "apps/mpi/calibrate.hpp"
#include "apps/mpi/verify.hpp"

namespace apps::mpi {

void measure_device(double seconds, studies::CalibrationProfile& profile) {
  int ranks = 1;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  const std::vector<studies::MeasuredKernel> kernels = kernels_to_measure();
  const Blas blas;
  const ProcessorTime time;
  std::vector<double> mine = time_kernels(kernels, blas, seconds, [](bool over) {
    int any = over ? 1 : 0;
    MPI_Allreduce(MPI_IN_PLACE, &any, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    return any != 0;
  });
  time.doubt_kernels(profile);
  const int count = static_cast<int>(mine.size());
  std::vector<double> all(mine.size() * static_cast<std::size_t>(ranks));
  MPI_Allgather(mine.data(), count, MPI_DOUBLE, all.data(), count, MPI_DOUBLE, MPI_COMM_WORLD);
  profile.fingerprint.emplace_back("blas", blas.version());
  add_local_device(local_machine(), static_cast<unsigned>(crowding().ranks), joined(kernels, all),
                   profile);
}

}  // namespace apps::mpi
