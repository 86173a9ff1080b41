// The bridge from a record's scenario text to the simulator.
#include "scenarios/reader.hpp"
#include "scenarios/report.hpp"
#include "studies/validate.hpp"

namespace studies {

namespace {

constexpr double kGib = 1024.0 * 1024.0 * 1024.0;

Prediction::Memory memory_of(const scenarios::StageMemory& stage) {
  return {static_cast<double>(stage.allocated.count()) / kGib,
          static_cast<double>(stage.reserved.count()) / kGib,
          static_cast<double>(stage.driver.count()) / kGib};
}

}  // namespace

Prediction predict_scenario(const std::string& text, const std::string& name) {
  const scenarios::Report report = scenarios::predict(scenarios::read_scenario_text(text, name));
  Prediction prediction;
  prediction.step_time_s = report.step_time.seconds();
  prediction.tokens_per_s_per_gpu =
      report.tokens_per_s / static_cast<double>(report.scenario.cluster.gpus);
  prediction.model_tflops_per_gpu = report.model_tflops_per_gpu;
  prediction.model_tflops_per_gpu_full = report.model_tflops_per_gpu_full;
  prediction.fits = report.fits;
  prediction.first = memory_of(report.stages.front());
  prediction.worst = memory_of(report.stages[report.worst_stage]);
  return prediction;
}

}  // namespace studies
