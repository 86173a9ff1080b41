// Open MPI's collective algorithms, one by one: its `tuned` component lists them as control
// variables (MPI_T) and reads them when a communicator is made.
#pragma once

#include <mpi.h>

#include <string>
#include <vector>

#include "collectives/collective.hpp"

namespace apps::mpi {

// Has to run before MPI_Init: only then does Open MPI let algorithms be chosen.
void allow_forced_algorithms();

// The names, in the order of their numbers, from 1; empty where the library has no such variable.
std::vector<std::string> algorithms_of(collectives::Kind kind);

// A copy of the communicator on which the collective runs by that algorithm (0 = the library's
// choice again). The caller frees it.
MPI_Comm with_algorithm(MPI_Comm comm, collectives::Kind kind, int number);

}  // namespace apps::mpi
