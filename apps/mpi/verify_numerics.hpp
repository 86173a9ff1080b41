// Whether a strategy computes what one rank computes.
#pragma once

#include <map>
#include <vector>

#include "apps/mpi/trainer.hpp"

namespace apps::mpi {

// Losses of the first steps and the gradients of the first one, of one rank alone.
struct ReferenceRun {
  std::vector<double> losses;
  std::map<int, std::vector<float>> gradients;  // by tensor id, whole
};

// Largest differences over steps and tensors: |loss / reference - 1|, and the norm of a gradient's
// difference over the norm of the gradient.
struct NumericsError {
  double loss = 0.0;
  double gradient = 0.0;
};

inline constexpr int kReferenceSteps = 3;
// Sums in another order, in fp32, over at most some thousands of terms each.
inline constexpr double kLossTolerance = 1e-4;
inline constexpr double kGradientTolerance = 1e-3;

ReferenceRun run_reference(const TrainerShape& shape, const TrainerPlan& like, const Blas& blas);

// Every rank of the team calls this; all get the same answer.
NumericsError check_numerics(const TrainerShape& shape, const TrainerPlan& plan,
                             const TrainerTeam& team, const Blas& blas,
                             const ReferenceRun& reference);

}  // namespace apps::mpi
