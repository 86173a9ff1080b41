// What communication in the background costs the compute in front of it.
#pragma once

#include "apps/mpi/collective_bench.hpp"

namespace apps::mpi {

// The part of a rank's compute that a nonblocking collective takes while it runs: compute with it
// lasts (compute alone) + share x (collective alone). Between matrix products the rank asks MPI for
// progress. Median over sizes; 0 to 1. Without BLAS, 1.
double compute_share(CollectiveBench& bench, collectives::Kind kind);

}  // namespace apps::mpi
