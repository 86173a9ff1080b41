#include "studies/training_run.hpp"

#include <cmath>

#include "models/operators.hpp"

namespace studies {

double compute_optimal_tokens(const models::Model& model) {
  constexpr double kTokensPerParameter = 20.0;
  return kTokensPerParameter * static_cast<double>(models::count_parameters(model).active);
}

TrainingRun training_run(const scenarios::Report& report, double tokens) {
  return training_run(report.scenario, report.step_time, tokens);
}

TrainingRun training_run(const scenarios::Scenario& scenario, sim::Time step, double tokens) {
  const auto per_step = static_cast<double>(scenario.training.global_batch) *
                        static_cast<double>(scenario.training.seq_len);
  const auto gpus = static_cast<double>(scenario.cluster.gpus);
  TrainingRun out;
  out.tokens = tokens;
  out.steps = std::ceil(tokens / per_step);
  const double hours = out.steps * step.seconds() / 3600.0;
  out.days = hours / 24.0;
  out.gpu_hours = hours * gpus;
  out.energy_mwh = out.gpu_hours * scenario.cluster.power_per_gpu_w * 1e-6;
  out.price_usd = out.gpu_hours * scenario.cluster.price_per_gpu_hour_usd;
  return out;
}

}  // namespace studies
