// What communication costs when it is not alone: compute in front of it, and other groups.
#pragma once

#include <string>

#include "apps/mpi/collective_bench.hpp"

namespace apps::mpi {

// The part of a rank's compute that a nonblocking collective takes while it runs: compute with it
// lasts (compute alone) + share x (collective alone). Between matrix products the rank asks MPI for
// progress. Median over sizes; 0 to 1. Without BLAS, 1. Takes about `seconds`.
double compute_share(CollectiveBench& bench, collectives::Kind kind, double seconds);

// Two halves of the ranks at once against one half alone: how much they slow each other, in words.
std::string contention();

// Ranks outside a group wait without taking a core from those inside.
void wait_for_all();

}  // namespace apps::mpi
