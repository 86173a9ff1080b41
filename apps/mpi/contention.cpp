// Groups that communicate at the same time.
#include <fmt/format.h>
#include <unistd.h>

#include "apps/mpi/overlap_bench.hpp"

namespace apps::mpi {

void wait_for_all() {
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Ibarrier(MPI_COMM_WORLD, &request);
  int done = 0;
  while (MPI_Test(&request, &done, MPI_STATUS_IGNORE) == MPI_SUCCESS && done == 0) {
    usleep(200);
  }
}

std::string contention() {
  using collectives::Call;
  using collectives::Kind;
  constexpr std::int64_t kLargest = 4 << 20;
  int size = 1, rank = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (size < 4) return "not measured: two groups need four ranks";
  MPI_Comm half = MPI_COMM_NULL;
  MPI_Comm_split(MPI_COMM_WORLD, rank < size / 2 ? 0 : 1, rank, &half);
  std::string text;
  {
    CollectiveBuffers buffers(kLargest);
    CollectiveBench bench(half, buffers);
    for (const std::int64_t bytes : {std::int64_t{64} << 10, kLargest}) {
      double alone = 0.0;
      if (rank < size / 2) {
        alone = bench.measure(Kind::all_reduce, bytes, Call::blocking, 0.2).seconds;
      }
      wait_for_all();
      const double both = bench.measure(Kind::all_reduce, bytes, Call::blocking, 0.2).seconds;
      if (rank == 0) {
        text += fmt::format("{}two all-reduces of {} bytes at once take {:.2f} times as long",
                            text.empty() ? "" : "; ", bytes, both / alone);
      }
      wait_for_all();
    }
  }
  MPI_Comm_free(&half);
  return text;
}

}  // namespace apps::mpi
