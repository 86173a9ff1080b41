// How the ranks sit on nodes and cores.
#include <mpi.h>
#include <unistd.h>

#include <algorithm>

#include "apps/mpi/calibrate.hpp"

namespace apps::mpi {

int nodes_of(MPI_Comm comm) {
  MPI_Comm node = MPI_COMM_NULL;
  MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
  int rank = 0, first = 0, nodes = 0;
  MPI_Comm_rank(node, &rank);
  first = rank == 0 ? 1 : 0;
  MPI_Allreduce(&first, &nodes, 1, MPI_INT, MPI_SUM, comm);
  MPI_Comm_free(&node);
  return nodes;
}

Crowding crowding() {
  MPI_Comm node = MPI_COMM_NULL;
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
  Crowding out;
  MPI_Comm_size(node, &out.ranks);
  MPI_Comm_free(&node);
  out.cores = static_cast<int>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
  // The node where ranks exceed cores by most, if any does.
  int excess = out.ranks - out.cores, worst = 0;
  MPI_Allreduce(&excess, &worst, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  out.ranks = out.cores + worst;
  out.nodes = nodes_of(MPI_COMM_WORLD);
  return out;
}

}  // namespace apps::mpi
