// The timeline of chosen ranks, for traces and reports.
#pragma once

#include <cstdint>
#include <vector>

#include "scenarios/report.hpp"
#include "scenarios/step_model.hpp"
#include "sim/simulate.hpp"
#include "strategies/fleet.hpp"
#include "strategies/lower.hpp"

namespace scenarios {

// Appends slices and memory samples of the ranks to the report. A rank that was folded shows the
// timeline of the rank that stands for it.
void add_slices(Report& report, const std::vector<std::int64_t>& ranks, const StepModel& model,
                const strategies::Fleet& fleet, const strategies::LoweredStep& step,
                const sim::Timeline& timeline);

}  // namespace scenarios
