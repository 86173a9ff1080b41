#include "studies/validate_output.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace studies {

namespace {

using Json = nlohmann::ordered_json;

const char* word(Use use) {
  switch (use) {
    case Use::yes:
      return "yes";
    case Use::assumed:
      return "assumed";
    case Use::no:
      return "no";
  }
  return "";
}

const char* word(State state) {
  switch (state) {
    case State::predicted:
      return "predicted";
    case State::refused:
      return "refused";
    case State::not_run:
      return "not run";
  }
  return "";
}

// Predicted, measured and their meaning: the step time, else the first kind of memory printed.
struct Headline {
  const char* quantity = "";
  double predicted = 0.0;
  double measured = 0.0;
};

Headline headline(const Outcome& outcome) {
  if (outcome.has_time()) {
    return {"step_time_s", outcome.predicted_step_s, outcome.measured_step_s};
  }
  if (!outcome.memory.empty()) {
    const MemoryComparison& memory = outcome.memory.front();
    const char* quantity = memory.kind == "allocated"  ? "allocated_gib"
                           : memory.kind == "reserved" ? "reserved_gib"
                                                       : "driver_gib";
    return {quantity, memory.predicted_gib, memory.measured_gib};
  }
  return {};
}

Json record_json(const Record& record, const Outcome& outcome) {
  const Headline line = headline(outcome);
  const bool compared = line.measured > 0.0;
  const auto number = [&](double value) { return compared ? Json(value) : Json(nullptr); };
  Json json = {{"id", record.id},
               {"source", record.source},
               {"predicted", number(line.predicted)},
               {"measured", number(line.measured)},
               {"error", number(compared ? line.predicted / line.measured - 1.0 : 0.0)},
               {"quantity", line.quantity},
               {"class", record.record_class},
               {"target", record.target},
               {"use", word(record.use)},
               {"status", word(outcome.state)}};
  if (!outcome.reason.empty()) json["reason"] = outcome.reason;
  if (outcome.state != State::predicted) return json;
  json["predicted_step_time_s"] = outcome.predicted_step_s;
  json["fits"] = {{"predicted", outcome.predicted_fits}, {"measured", record.measured.fits}};
  json["memory"] = Json::array();
  for (const MemoryComparison& memory : outcome.memory) {
    json["memory"].push_back({{"kind", memory.kind},
                              {"predicted_gib", memory.predicted_gib},
                              {"measured_gib", memory.measured_gib},
                              {"error", memory.error()}});
  }
  return json;
}

Json statistics_json(const ErrorStatistics& statistics) {
  return {{"count", statistics.count},
          {"median_abs_error", statistics.median},
          {"mean_abs_error", statistics.mean},
          {"p90_abs_error", statistics.p90},
          {"bias", statistics.bias}};
}

Json summary_json(const Summary& summary) {
  Json json = {{"name", summary.name},
               {"records", summary.records},
               {"refused", summary.refused},
               {"time", statistics_json(summary.time)},
               {"memory", statistics_json(summary.memory)},
               {"ranking",
                {{"groups", summary.ranking.groups},
                 {"spearman", summary.ranking.correlation},
                 {"regret", summary.ranking.regret},
                 {"mean_spearman", summary.ranking.mean_correlation},
                 {"mean_regret", summary.ranking.mean_regret},
                 {"worst_regret", summary.ranking.worst_regret}}},
               {"fits",
                {{"ran", summary.ran},
                 {"ran_and_predicted_to_fit", summary.ran_fit},
                 {"failed", summary.failed},
                 {"failed_and_predicted_not_to_fit", summary.failed_do_not_fit}}}};
  json["worst"] = Json::array();
  for (const Worst& worst : summary.worst) {
    json["worst"].push_back({{"id", worst.id}, {"error", worst.error}});
  }
  return json;
}

Json summaries_json(const std::vector<Summary>& summaries) {
  Json json = Json::array();
  for (const Summary& summary : summaries) json.push_back(summary_json(summary));
  return json;
}

}  // namespace

std::string validation_json(const Validation& validation) {
  Json json = {{"records", Json::array()}, {"summary", Json::object()}};
  for (std::size_t i = 0; i < validation.records.size(); ++i) {
    json["records"].push_back(record_json(validation.records[i], validation.outcomes[i]));
  }
  const Summaries summaries = summarise(validation);
  Json& summary = json["summary"];
  summary["total"] = summary_json(summaries.total);
  summary["targets"] = summaries_json(summaries.targets);
  summary["sources"] = summaries_json(summaries.sources);
  summary["expert_models"] = summaries_json(summaries.expert_models);
  summary["assumed"] = summary_json(summaries.assumed);
  return json.dump(1) + "\n";
}

std::string validation_csv(const Validation& validation) {
  std::string csv =
      "id,source,class,target,use,status,predicted_step_s,measured_step_s,error,"
      "memory_kind,predicted_gib,measured_gib,memory_error,predicted_fits,measured_fits,reason\n";
  for (std::size_t i = 0; i < validation.records.size(); ++i) {
    const Record& record = validation.records[i];
    const Outcome& outcome = validation.outcomes[i];
    csv += fmt::format("{},{},{},{},{},{},", csv_cell(record.id), record.source,
                       record.record_class, record.target, word(record.use), word(outcome.state));
    if (outcome.has_time()) {
      csv += fmt::format("{},{},{:.6f},", outcome.predicted_step_s, outcome.measured_step_s,
                         outcome.error());
    } else {
      csv += ",,,";
    }
    if (!outcome.memory.empty()) {
      const MemoryComparison& memory = outcome.memory.front();
      csv += fmt::format("{},{:.4f},{},{:.6f},", memory.kind, memory.predicted_gib,
                         memory.measured_gib, memory.error());
    } else {
      csv += ",,,,";
    }
    csv += fmt::format("{},{},{}\n", outcome.predicted_fits, record.measured.fits,
                       csv_cell(outcome.reason));
  }
  return csv;
}

}  // namespace studies
