// `calibrate mpi`. Every rank calls these; rank 0 speaks and writes.
#pragma once

#include <mpi.h>

#include "apps/calibrate_options.hpp"
#include "apps/mpi/transport.hpp"
#include "studies/calibration_profile.hpp"

namespace apps::mpi {

// Returns the exit code.
int calibrate_collectives(const Session& session, const CalibrateOptions& options);

// Ranks and cores of the fullest node.
struct Crowding {
  int ranks = 1;
  int cores = 1;
  int nodes = 1;
  bool crowded() const { return ranks > cores; }
};
Crowding crowding();
int nodes_of(MPI_Comm comm);

// The part of the time since it was made in which this thread had a processor. A rank that waits
// for others keeps its own, so what is missing went to other work.
class ProcessorTime {
 public:
  ProcessorTime();
  // Doubts the kernels that were measured since, if the rank that had the least lost more than a
  // few per cent. Collective.
  void doubt_kernels(studies::CalibrationProfile& profile) const;

 private:
  double wall_, processor_;  // s
};

// Measures within about `seconds`. On rank 0 the profile, elsewhere an empty one.
studies::CalibrationProfile measure_collectives(const Session& session, double seconds);

}  // namespace apps::mpi
