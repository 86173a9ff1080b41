// `calibrate verify`: the simulator checked end to end on this machine. Predicts a small training
// step under several strategies from a calibration, writes the prediction and its digest, and only
// then trains for real.
#pragma once

#include "apps/blas.hpp"
#include "apps/calibrate_options.hpp"
#include "apps/mpi/calibrate.hpp"
#include "apps/mpi/operator_clock.hpp"
#include "apps/mpi/trainer_shape.hpp"
#include "apps/mpi/transport.hpp"
#include "scenarios/report.hpp"

namespace apps::mpi {

// Every rank calls it; returns the exit code: 1 where a strategy does not compute what one rank
// computes.
int calibrate_verify(const Session& session, const CalibrateOptions& options);

// Adds the device that a core is while all ranks compute.
void measure_device(double seconds, studies::CalibrationProfile& profile);

struct PredictedStep {
  double seconds = 0.0;
  double bytes = 0.0;           // of the fullest rank
  OperatorSeconds operators{};  // of a step, mean over ranks
};

struct MeasuredStep {
  std::vector<double> times;    // of every round, the slowest rank's
  double seconds = 0.0;         // their median
  double spread = 0.0;          // half the distance of their quartiles, relative
  double bytes = 0.0;           // most handed out at one time, of the fullest rank
  OperatorSeconds operators{};  // of a step, mean over ranks and steps
};

struct VerifiedPlan {
  TrainerPlan plan;
  PredictedStep predicted;
  MeasuredStep measured;
  double loss_error = 0.0, gradient_error = 0.0;
  bool timed = false;
};

// Fills in `measured`. In rounds of one step of every strategy, each by a trainer of its own, so
// that a drift of the machine meets all of them; five rounds at least. Every rank calls it.
void time_steps(const TrainerShape& shape, const Blas& blas, double seconds,
                std::vector<VerifiedPlan>& plans);

// Costs of the operators of a step, and what the rank that ends last waits for.
OperatorSeconds predicted_operators(const scenarios::Report& report, const TrainerPlan& plan);

// The table for people, with the errors over all strategies.
std::string verify_table(const std::vector<VerifiedPlan>& plans);
std::string verify_json(const std::vector<VerifiedPlan>& plans, const std::string& digest);
bool numerics_agree(const std::vector<VerifiedPlan>& plans);

}  // namespace apps::mpi
