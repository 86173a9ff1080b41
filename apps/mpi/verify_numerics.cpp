#include "apps/mpi/verify_numerics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace apps::mpi {
namespace {

struct Squares {
  double difference = 0.0;
  double size = 0.0;
};

// Per tensor, what this rank holds of its gradient against the reference.
std::map<int, Squares> compare(const TrainerStates& states, const ReferenceRun& reference) {
  std::map<int, Squares> out;
  states.each_gradient([&](const Tensor& tensor, std::size_t local, float value) {
    const double expected =
        static_cast<double>(reference.gradients.at(tensor.id)[tensor.whole_index(local)]);
    const double off = static_cast<double>(value) - expected;
    Squares& squares = out[tensor.id];
    squares.difference += off * off;
    squares.size += expected * expected;
  });
  return out;
}

// What is no number is no agreement.
void raise(double& most, double value) {
  if (!(value <= most)) most = std::isnan(value) ? std::numeric_limits<double>::infinity() : value;
}

}  // namespace

ReferenceRun run_reference(const TrainerShape& shape, const TrainerPlan& like, const Blas& blas) {
  TrainerPlan plan = like;
  plan.tp = plan.pp = plan.dp = 1;
  plan.zero = 0;
  const TrainerTeam alone(MPI_COMM_SELF, plan);
  Trainer trainer(shape, plan, alone, blas);
  ReferenceRun run;
  for (int step = 0; step < kReferenceSteps; ++step) {
    run.losses.push_back(trainer.gradients());
    if (step == 0) {
      for (const UnitLayout& unit : trainer.states().units()) {
        for (const Tensor& tensor : unit.tensors) run.gradients[tensor.id].resize(tensor.size());
      }
      trainer.states().each_gradient([&](const Tensor& tensor, std::size_t local, float value) {
        run.gradients[tensor.id][tensor.whole_index(local)] = value;
      });
    }
    trainer.update();
  }
  return run;
}

NumericsError check_numerics(const TrainerShape& shape, const TrainerPlan& plan,
                             const TrainerTeam& team, const Blas& blas,
                             const ReferenceRun& reference) {
  Trainer trainer(shape, plan, team, blas);
  NumericsError error;
  for (std::size_t step = 0; step < reference.losses.size(); ++step) {
    const double loss = trainer.gradients();
    raise(error.loss, std::abs(loss / reference.losses[step] - 1.0));
    if (step == 0) {
      for (const auto& [id, squares] : compare(trainer.states(), reference)) {
        raise(error.gradient, std::sqrt(squares.difference / std::max(squares.size, 1e-30)));
      }
    }
    trainer.update();
  }
  double both[2] = {error.loss, error.gradient};
  MPI_Allreduce(MPI_IN_PLACE, both, 2, MPI_DOUBLE, MPI_MAX, team.world());
  return {both[0], both[1]};
}

}  // namespace apps::mpi
