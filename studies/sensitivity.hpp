// How the step time answers to each figure of the hardware: one simulation with the figure a tenth
// better and one with it a tenth worse, everything else the same.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "scenarios/report.hpp"

namespace studies {

inline constexpr double kSensitivityStep = 0.1;

struct Sensitivity {
  std::string_view key;    // for JSON
  std::string_view label;  // for people
  sim::Time worse;         // step time with the figure a tenth worse
  sim::Time better;        // … a tenth better
  bool worse_fits = true;  // whether the step still fits in memory
  bool better_fits = true;
};

using Predictor = std::function<scenarios::Report(const scenarios::Scenario&)>;

// Largest effect first; figures without any are left out.
std::vector<Sensitivity> sensitivity(const scenarios::Scenario& scenario, const Predictor& predict);

}  // namespace studies
