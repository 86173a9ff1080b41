// The steps of all strategies, timed in rounds.
#include <mpi.h>

#include <algorithm>

#include "apps/kernel_bench.hpp"
#include "apps/mpi/trainer.hpp"
#include "apps/mpi/verify.hpp"
#include "studies/piecewise_fit.hpp"

namespace apps::mpi {
namespace {

constexpr int kWarmUpSteps = 1;  // pages
constexpr int kLeastRounds = 5, kMostRounds = 60;

// A trainer of its own for every time: where memory lies changes from one to the next, as it does
// from launch to launch, and by as much as strategies may differ.
void time_step(const TrainerShape& shape, const Blas& blas, VerifiedPlan& plan) {
  const TrainerTeam team(MPI_COMM_WORLD, plan.plan);
  if (!team.takes_part()) return;
  Trainer trainer(shape, plan.plan, team, blas);
  for (int i = 0; i < kWarmUpSteps; ++i) trainer.step();
  trainer.clock().clear();
  MPI_Barrier(team.world());
  const double begin = now_seconds();
  trainer.step();
  const double time = now_seconds() - begin;
  MeasuredStep& measured = plan.measured;
  double most[2] = {time, static_cast<double>(trainer.peak_bytes())};
  MPI_Allreduce(MPI_IN_PLACE, most, 2, MPI_DOUBLE, MPI_MAX, team.world());
  measured.times.push_back(most[0]);
  measured.bytes = most[1];
  const OperatorSeconds& seconds = trainer.clock().seconds();
  for (std::size_t i = 0; i < seconds.size(); ++i) measured.operators[i] += seconds[i];
}

void summarise(VerifiedPlan& plan) {
  MeasuredStep& measured = plan.measured;
  OperatorSeconds& operators = measured.operators;
  MPI_Allreduce(MPI_IN_PLACE, operators.data(), static_cast<int>(operators.size()), MPI_DOUBLE,
                MPI_SUM, MPI_COMM_WORLD);
  const double steps = static_cast<double>(measured.times.size()) * plan.plan.world();
  for (double& sum : operators) sum /= steps;
  measured.seconds = studies::median(measured.times);
  measured.spread =
      (studies::quantile(measured.times, 0.75) - studies::quantile(measured.times, 0.25)) /
      (2.0 * measured.seconds);
}

bool over(double end) {
  int any = now_seconds() > end ? 1 : 0;
  MPI_Allreduce(MPI_IN_PLACE, &any, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  return any != 0;
}

}  // namespace

void time_steps(const TrainerShape& shape, const Blas& blas, double seconds,
                std::vector<VerifiedPlan>& plans) {
  const double end = now_seconds() + seconds;
  for (int round = 0; round < kMostRounds; ++round) {
    if (over(end) && round >= kLeastRounds) break;
    for (std::size_t i = 0; i < plans.size(); ++i) {
      // Each time another one is first: what follows what is no strategy's property.
      time_step(shape, blas, plans[(i + static_cast<std::size_t>(round)) % plans.size()]);
      MPI_Barrier(MPI_COMM_WORLD);
    }
  }
  for (VerifiedPlan& plan : plans) {
    summarise(plan);
    plan.timed = true;
  }
}

}  // namespace apps::mpi
