#include "reports/json.hpp"

#include <nlohmann/json.hpp>

#include "reports/breakdown.hpp"
#include "reports/sha256.hpp"
#include "reports/text.hpp"

namespace reports {
namespace {

using nlohmann::ordered_json;
using scenarios::Report;

ordered_json breakdown_json(const scenarios::Breakdown& breakdown) {
  ordered_json out = ordered_json::object();
  for (const BreakdownRow& row : kBreakdownRows) out[row.key] = exact_seconds(breakdown.*row.part);
  return out;
}

ordered_json categories_json(const sim::MemoryByCategory& amounts) {
  ordered_json out = ordered_json::object();
  for (std::size_t c = 0; c < sim::kMemoryCategories; ++c) {
    out[sim::kMemoryCategoryNames[c]] = amounts[c].gib();
  }
  return out;
}

ordered_json stage_json(const scenarios::StageMemory& stage) {
  return {{"stage", stage.stage},
          {"rank", stage.rank},
          {"allocated_gib", stage.allocated.gib()},
          {"reserved_gib", stage.reserved.gib()},
          {"driver_gib", stage.driver.gib()},
          {"steady_gib", stage.steady.gib()},
          {"peak_at", stage.peak_at},
          {"categories_gib", categories_json(stage.categories)}};
}

ordered_json memory_json(const Report& report) {
  const scenarios::StageMemory worst =
      report.stages.empty() ? scenarios::StageMemory{} : report.stages[report.worst_stage];
  ordered_json stages = ordered_json::array();
  for (const auto& stage : report.stages) stages.push_back(stage_json(stage));
  return {{"peak_gib", worst.allocated.gib()},
          {"allocated_gib", worst.allocated.gib()},
          {"reserved_gib", worst.reserved.gib()},
          {"driver_gib", worst.driver.gib()},
          {"device_gib", report.device_memory.gib()},
          {"peak_rank", worst.rank},
          {"peak_stage", worst.stage},
          {"peak_at", worst.peak_at},
          {"categories_gib", categories_json(worst.categories)},
          {"stages", std::move(stages)}};
}

ordered_json simulation_json(const Report& report) {
  return {{"ranks", report.fold.ranks},   {"ranks_simulated", report.fold.ranks_simulated},
          {"folded", report.fold.folded}, {"certificate", report.fold.certificate},
          {"events", report.events},      {"wall_s", report.wall_s},
          {"fidelity", report.fidelity}};
}

ordered_json warnings_json(const Report& report) {
  ordered_json out = ordered_json::array();
  for (const auto& warning : report.scenario.warnings) {
    out.push_back(warning.position.empty() ? warning.message
                                           : warning.position + ": " + warning.message);
  }
  return out;
}

// What a calibration changed: its origin, and where the price of each kind of group came from.
ordered_json calibration_json(const Report& report) {
  const scenarios::CalibrationOrigin& origin = report.scenario.calibration_origin;
  ordered_json prices = ordered_json::array();
  for (const strategies::PricedGroup& group : report.prices) {
    prices.push_back({{"collective", collectives::name(group.kind)},
                      {"members", group.members},
                      {"domains", group.domains},
                      {"from", source_text(group.source)}});
  }
  ordered_json out{{"file", origin.file},         {"made", origin.made},
                   {"machine", origin.machine},   {"method", origin.method},
                   {"reliable", origin.reliable}, {"collectives", std::move(prices)}};
  out["device_from"] = device_is_calibrated(report.scenario) ? "measured" : "scenario";
  if (report.uncalibrated_step_time) {
    out["step_time_without_s"] = exact_seconds(*report.uncalibrated_step_time);
  }
  return out;
}

ordered_json provenance_json(const Report& report) {
  ordered_json resolved = ordered_json::object();
  ordered_json assumptions = ordered_json::array();
  for (const auto& item : report.scenario.resolved) {
    resolved[item.key] = {{"value", item.value}, {"origin", item.origin}};
    if (item.origin == "default" || item.origin.starts_with("profile")) {
      assumptions.push_back(item.key);
    }
  }
  ordered_json out{{"tool", "stepcast"},
                   {"version", STEPCAST_VERSION},
                   {"resolved", std::move(resolved)},
                   {"assumptions", std::move(assumptions)}};
  if (!report.scenario.calibration_origin.file.empty()) {
    out["calibration"] = calibration_json(report);
  }
  return out;
}

ordered_json rates_json(const Report& report) {
  const auto gpus = static_cast<double>(std::max<std::int64_t>(report.scenario.cluster.gpus, 1));
  ordered_json out{{"step_time_s", exact_seconds(report.step_time)},
                   {"tokens_per_s", report.tokens_per_s},
                   {"tokens_per_s_per_gpu", report.tokens_per_s / gpus},
                   {"model_tflops_per_gpu", report.model_tflops_per_gpu},
                   {"model_tflops_per_gpu_full", report.model_tflops_per_gpu_full},
                   {"mfu", report.mfu}};
  const models::Precision precision = report.scenario.training.precision;
  if (precision == models::Precision::fp8 || precision == models::Precision::fp4) {
    out["mfu_bf16"] = report.mfu_bf16;
  }
  out["hfu"] = report.hfu;
  out["bubble_fraction"] = report.bubble_fraction;
  return out;
}

}  // namespace

ordered_json to_json(const Report& report) {
  ordered_json out{{"schema_version", 1}, {"name", report.scenario.name}, {"fits", report.fits}};
  out.update(rates_json(report));
  out["breakdown_s"] = breakdown_json(report.breakdown);
  out["memory"] = memory_json(report);
  out["advice"] = report.advice;
  ordered_json simulation = simulation_json(report);
  out["simulation"] = simulation;
  out["warnings"] = warnings_json(report);
  out["provenance"] = provenance_json(report);
  // The digest is of everything that has to repeat: all but the wall time and itself.
  out["simulation"].erase("wall_s");
  const std::string digest = hex(sha256(dump(out)));
  out["simulation"] = std::move(simulation);
  out["provenance"]["result_sha256"] = digest;
  return out;
}

std::string dump(const ordered_json& json) {
  return json.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace reports
