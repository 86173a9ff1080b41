#include "apps/mpi/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <nlohmann/json.hpp>

#include "apps/calibrate.hpp"
#include "apps/commands.hpp"
#include "apps/console.hpp"
#include "apps/kernel_bench.hpp"
#include "apps/mpi/collective_bench.hpp"
#include "apps/mpi/trainer.hpp"
#include "apps/mpi/verify_numerics.hpp"
#include "apps/mpi/verify_plans.hpp"
#include "reports/file.hpp"
#include "reports/json.hpp"
#include "reports/sha256.hpp"
#include "scenarios/reader.hpp"
#include "scenarios/report.hpp"
#include "scenarios/source.hpp"

namespace apps::mpi {
namespace {

constexpr double kUsualSeconds = 120.0;
constexpr double kLeastSeconds = 30.0;  // in less, a small model
constexpr int kWarmUpSteps = 2, kLeastSteps = 5, kMostSteps = 60;

// Predictions of all strategies by the ordinary path, from nothing but the calibration file.
nlohmann::ordered_json predict_all(const TrainerShape& shape, const std::string& calibration,
                                   int ranks_per_node, std::vector<VerifiedPlan>& plans) {
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  for (VerifiedPlan& plan : plans) {
    const std::string text = scenario_text(shape, plan.plan, calibration, ranks_per_node);
    const scenarios::Report report =
        scenarios::predict(scenarios::read_scenario_text(text, "verify.yaml"));
    plan.predicted.seconds = report.step_time.seconds();
    plan.predicted.operators = predicted_operators(report, plan.plan);
    for (const scenarios::StageMemory& stage : report.stages) {
      plan.predicted.bytes = std::max(plan.predicted.bytes, stage.allocated.as_double());
    }
    out.push_back({{"strategy", plan.plan.name},
                   {"scenario", text},
                   {"step_time_s", plan.predicted.seconds},
                   {"allocated_bytes", plan.predicted.bytes}});
  }
  return out;
}

// Rank 0 does it; where it fails there, all ranks know, and none waits for it.
bool lead_alone(const Session& session, const std::function<void()>& work) {
  std::exception_ptr problem;
  int good = 1;
  if (session.rank() == 0) {
    try {
      work();
    } catch (...) {
      problem = std::current_exception();
      good = 0;
    }
  }
  MPI_Bcast(&good, 1, MPI_INT, 0, MPI_COMM_WORLD);
  if (problem) std::rethrow_exception(problem);
  return good != 0;
}

// The profile to predict from: the one that was given, or a new one beside the result.
std::string calibration_file(const CalibrateOptions& options) {
  return options.calibration.empty() ? options.out + ".calibration.yaml" : options.calibration;
}

// On rank 0: writes the predictions and says their digest. Before the trainer starts.
std::string publish(const nlohmann::ordered_json& predictions, const std::string& calibration,
                    const std::string& file) {
  const std::string text = reports::dump(nlohmann::ordered_json{
      {"calibration", calibration},
      {"calibration_sha256",
       reports::hex(reports::sha256(scenarios::read_regular_file(calibration)))},
      {"predictions", predictions}});
  reports::write_file(file, text);
  const std::string digest = reports::hex(reports::sha256(text));
  complain(fmt::format("wrote the prediction to {}, sha256 {}", file, digest));
  return digest;
}

MeasuredStep time_steps(const TrainerShape& shape, const TrainerPlan& plan, const TrainerTeam& team,
                        const Blas& blas, double seconds) {
  Trainer trainer(shape, plan, team, blas);
  for (int i = 0; i < kWarmUpSteps; ++i) trainer.step();
  trainer.clock().clear();
  std::vector<double> times;
  double spent = 0.0;
  while (static_cast<int>(times.size()) < kMostSteps &&
         (static_cast<int>(times.size()) < kLeastSteps || spent < seconds)) {
    MPI_Barrier(team.world());
    const double begin = now_seconds();
    trainer.step();
    double time = now_seconds() - begin;
    MPI_Allreduce(MPI_IN_PLACE, &time, 1, MPI_DOUBLE, MPI_MAX, team.world());
    times.push_back(time);
    spent += time;
  }
  MeasuredStep out;
  out.seconds = studies::median(times);
  out.spread =
      (studies::quantile(times, 0.75) - studies::quantile(times, 0.25)) / (2.0 * out.seconds);
  out.steps = static_cast<int>(times.size());
  out.operators = trainer.clock().seconds();
  MPI_Allreduce(MPI_IN_PLACE, out.operators.data(), static_cast<int>(out.operators.size()),
                MPI_DOUBLE, MPI_SUM, team.world());
  for (double& sum : out.operators) sum /= static_cast<double>(out.steps * plan.world());
  out.bytes = static_cast<double>(trainer.peak_bytes());
  MPI_Allreduce(MPI_IN_PLACE, &out.bytes, 1, MPI_DOUBLE, MPI_MAX, team.world());
  return out;
}

void train_all(const TrainerShape& shape, const Blas& blas, bool timed, double seconds,
               std::vector<VerifiedPlan>& plans) {
  TrainerPlan alone = plans.front().plan;
  alone.spoiled = false;
  const ReferenceRun reference = run_reference(shape, alone, blas);
  const double each = seconds / static_cast<double>(plans.size());
  for (VerifiedPlan& plan : plans) {
    const TrainerTeam team(MPI_COMM_WORLD, plan.plan);
    if (team.takes_part()) {
      const NumericsError error = check_numerics(shape, plan.plan, team, blas, reference);
      plan.loss_error = error.loss;
      plan.gradient_error = error.gradient;
      plan.timed = timed;
      if (timed) plan.measured = time_steps(shape, plan.plan, team, blas, each);
    }
    MPI_Barrier(MPI_COMM_WORLD);
  }
}

}  // namespace

int calibrate_verify(const Session& session, const CalibrateOptions& options) {
  const bool speaks = session.rank() == 0;
  if (session.size() < 2 || (options.out.empty() && !options.numerics)) {
    if (speaks) complain("calibrate verify wants two ranks or more, and --out FILE");
    return kUsage;
  }
  const Crowding where = crowding();
  const bool timed = !options.numerics && !where.crowded();
  if (speaks && where.crowded() && !options.numerics) {
    complain(fmt::format("{} ranks on {} cores: only the numerics are checked", where.ranks,
                         where.cores));
  }
  const Blas blas;
  const double seconds = options.seconds > 0.0 ? options.seconds : kUsualSeconds;
  const bool usual = timed && seconds >= kLeastSeconds;
  const TrainerShape shape = usual ? usual_shape() : small_shape();
  std::vector<VerifiedPlan> plans;
  for (TrainerPlan& plan : plans_for(session.size())) {
    plan.spoiled = plan.name == options.spoil;
    plans.push_back({std::move(plan), {}, {}});
  }
  std::string digest;
  if (timed) {
    const std::string calibration = calibration_file(options);
    studies::CalibrationProfile profile;
    if (options.calibration.empty()) {
      profile = measure_collectives(session, 0.4 * seconds);
      measure_device(0.25 * seconds, profile);
    }
    const bool good = lead_alone(session, [&] {
      if (options.calibration.empty()) {
        reports::write_file(calibration, studies::to_yaml(profile));
        complain("wrote " + calibration);
      }
      const auto predictions = predict_all(shape, calibration, where.ranks, plans);
      digest = publish(predictions, calibration, options.out + ".prediction.json");
    });
    if (!good) return kOk;
  }
  train_all(shape, blas, timed, 0.35 * seconds, plans);
  if (!speaks) return kOk;
  if (!options.out.empty()) {
    reports::write_file(options.out, verify_json(plans, digest));
    complain("wrote " + options.out);
  }
  print(verify_table(plans));
  return numerics_agree(plans) ? kOk : kInternalFault;
}

}  // namespace apps::mpi
