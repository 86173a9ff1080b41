// The arithmetic behind a prediction, step by step: formula, the same with numbers, result.
//
// Conventions and sources: docs/models.md. Counts come from models/ and strategies/, the very code
// that a simulation uses; the formulas are written beside them for people.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/report.hpp"

namespace reports {

struct ExplainedStep {
  std::string quantity;
  std::string formula;
  std::string numbers;  // the formula with numbers put in; may be empty
  double value = 0.0;
  std::string unit;
};

struct ExplainedSection {
  std::string title;
  std::vector<ExplainedStep> steps;
};

// One operator of a layer, as one rank runs it forward for one micro-batch.
struct RooflineRow {
  std::string name;
  double flops = 0.0;
  double bytes = 0.0;
  double intensity = 0.0;  // FLOP per byte
  bool compute_bound = false;
  sim::Time time;  // as the cost model has it
};

struct Explanation {
  std::string name;
  std::vector<ExplainedSection> sections;
  double ridge = 0.0;  // FLOP per byte where the roofline of the device bends
  std::vector<RooflineRow> operators;
};

Explanation explain_model(const models::Model& model, std::int64_t seq_len);

// Adds what needs a cluster and a plan. `tokens` 0: no training time and cost.
Explanation explain_report(const scenarios::Report& report, double tokens);

std::string explanation_text(const Explanation& explanation);
nlohmann::ordered_json explanation_json(const Explanation& explanation);

// The parts (explain_*.cpp).
ExplainedSection explain_parameters(const models::Model& model);
ExplainedSection explain_flops(const models::Model& model, std::int64_t seq_len);
ExplainedSection explain_step(const scenarios::Report& report);
ExplainedSection explain_memory(const scenarios::Report& report);
ExplainedSection explain_training(const scenarios::Report& report, double tokens);
std::vector<RooflineRow> roofline(const scenarios::Scenario& scenario);

}  // namespace reports
