// The rules by which people choose a strategy, applied to a case with the numbers that decide each:
// fits on one GPU -> data parallel; the states do not fit -> ZeRO-1, 2, 3; still too large, or more
// GPUs than sequences -> tensor parallel inside the node; beyond the node -> pipeline; long context
// -> context parallel; experts -> expert parallel. And where a search disagrees with them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "scenarios/report.hpp"

namespace studies {

struct AdviceStep {
  std::string question;
  std::string numbers;  // what decides it, in this case
  std::string answer;
};

struct Advice {
  std::vector<AdviceStep> steps;
  scenarios::Scenario scenario;  // what the rules end with
  bool possible = false;         // it is a strategy, and fits
};

// `scenario`: model, cluster, training and implementation; its own strategy does not matter.
// `limit`: bytes that a strategy may take, as the driver shows it.
Advice advise(const scenarios::Scenario& scenario, double limit);

struct Disagreement {
  std::string key;
  std::string advised, found;  // values
  // What this one change does to the advised strategy; why it cannot stand alone where it cannot.
  std::string effect;
};

using Predict = std::function<scenarios::Report(const scenarios::Scenario&)>;

// Key by key, what the search found differently.
std::vector<Disagreement> disagreements(const scenarios::Report& advised,
                                        const scenarios::Report& found, double limit,
                                        const Predict& predict);

}  // namespace studies
