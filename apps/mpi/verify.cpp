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
// Shares of the time.
constexpr double kCollectives = 0.4, kKernels = 0.2, kTraining = 0.4;

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

void check_all(const TrainerShape& shape, const Blas& blas, std::vector<VerifiedPlan>& plans) {
  TrainerPlan alone = plans.front().plan;
  alone.spoiled = false;
  const ReferenceRun reference = run_reference(shape, alone, blas);
  for (VerifiedPlan& plan : plans) {
    const TrainerTeam team(MPI_COMM_WORLD, plan.plan);
    if (team.takes_part()) {
      const NumericsError error = check_numerics(shape, plan.plan, team, blas, reference);
      plan.loss_error = error.loss;
      plan.gradient_error = error.gradient;
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
      profile = measure_collectives(session, kCollectives * seconds);
      measure_device(kKernels * seconds, profile);
    }
    const bool good = lead_alone(session, [&] {
      if (options.calibration.empty()) {
        for (const std::string& doubt : profile.doubts) complain("warning: " + doubt);
        reports::write_file(calibration, studies::to_yaml(profile));
        complain("wrote " + calibration);
      }
      const auto predictions = predict_all(shape, calibration, where.ranks, plans);
      digest = publish(predictions, calibration, options.out + ".prediction.json");
    });
    if (!good) return kOk;
  }
  check_all(shape, blas, plans);
  if (timed) time_steps(shape, blas, kTraining * seconds, plans);
  if (!speaks) return kOk;
  if (!options.out.empty()) {
    reports::write_file(options.out, verify_json(plans, digest));
    complain("wrote " + options.out);
  }
  print(verify_table(plans));
  return numerics_agree(plans) ? kOk : kInternalFault;
}

}  // namespace apps::mpi
