#include "reports/explain.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "reports/table.hpp"
#include "reports/text.hpp"
#include "scenarios/utf8.hpp"

namespace reports {
namespace {

using nlohmann::ordered_json;

std::string value_text(const ExplainedStep& step) {
  if (step.unit == "parameters") return grouped(static_cast<std::int64_t>(step.value));
  if (step.unit == "GiB" || step.unit == "days")
    return fmt::format("{:.2f} {}", step.value, step.unit);
  if (step.unit == "USD") return grouped(static_cast<std::int64_t>(step.value)) + " USD";
  if (step.unit == "s") return fmt::format("{:.4f} s", step.value);
  if (step.unit.empty()) return fmt::format("{:.4g}", step.value);
  return si_text(step.value, step.unit);
}

std::string section_text(const ExplainedSection& section) {
  Table table({{"", Align::left}, {""}, {"", Align::left}, {"", Align::left}});
  for (const ExplainedStep& step : section.steps) {
    table.row({step.quantity, value_text(step), "= " + step.formula,
               step.numbers.empty() ? "" : "= " + step.numbers});
  }
  return section.title + "\n" + table.text(2) + "\n";
}

std::string roofline_text(const Explanation& explanation) {
  if (explanation.operators.empty()) return {};
  Table table({{"operator", Align::left},
               {"FLOPs"},
               {"bytes"},
               {"FLOP/byte"},
               {"bound by", Align::left},
               {"time"}});
  for (const RooflineRow& row : explanation.operators) {
    table.row({row.name, si_text(row.flops, "FLOP"), si_text(row.bytes, "B"),
               fmt::format("{:.1f}", row.intensity), row.compute_bound ? "compute" : "memory",
               time_text(row.time)});
  }
  return fmt::format(
             "Operators of one layer, forward, one micro-batch on one rank; the roofline bends at "
             "{:.0f} FLOP/byte\n",
             explanation.ridge) +
         table.text(2);
}

ordered_json section_json(const ExplainedSection& section) {
  ordered_json steps = ordered_json::array();
  for (const ExplainedStep& step : section.steps) {
    steps.push_back({{"quantity", step.quantity},
                     {"formula", step.formula},
                     {"numbers", step.numbers},
                     {"value", step.value},
                     {"unit", step.unit}});
  }
  return {{"title", section.title}, {"steps", std::move(steps)}};
}

}  // namespace

Explanation explain_model(const models::Model& model, std::int64_t seq_len) {
  return {model.name, {explain_parameters(model), explain_flops(model, seq_len)}, 0.0, {}};
}

Explanation explain_report(const scenarios::Report& report, double tokens) {
  const scenarios::Scenario& scenario = report.scenario;
  Explanation out = explain_model(scenario.model, scenario.training.seq_len);
  out.name = scenario.name;
  out.sections.push_back(explain_step(report));
  out.sections.push_back(explain_memory(report));
  if (tokens > 0.0) out.sections.push_back(explain_training(report, tokens));
  const auto precision = static_cast<std::size_t>(scenario.training.precision);
  const double bandwidth = scenario.device.memory_bandwidth.bytes_per_second();
  if (bandwidth > 0.0) out.ridge = scenario.device.peak[precision].per_second() / bandwidth;
  out.operators = roofline(scenario);
  return out;
}

std::string explanation_text(const Explanation& explanation) {
  std::string out = scenarios::printable(explanation.name) + "\n\n";
  for (const ExplainedSection& section : explanation.sections) out += section_text(section);
  return out + roofline_text(explanation);
}

ordered_json explanation_json(const Explanation& explanation) {
  ordered_json sections = ordered_json::array();
  for (const auto& section : explanation.sections) sections.push_back(section_json(section));
  ordered_json operators = ordered_json::array();
  for (const RooflineRow& row : explanation.operators) {
    operators.push_back({{"name", row.name},
                         {"flops", row.flops},
                         {"bytes", row.bytes},
                         {"flop_per_byte", row.intensity},
                         {"bound", row.compute_bound ? "compute" : "memory"},
                         {"time_s", exact_seconds(row.time)}});
  }
  return {{"schema_version", 1},
          {"name", explanation.name},
          {"sections", std::move(sections)},
          {"ridge_flop_per_byte", explanation.ridge},
          {"operators", std::move(operators)}};
}

}  // namespace reports
