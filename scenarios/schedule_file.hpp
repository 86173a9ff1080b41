// A pipeline schedule written by hand, named by `strategy.schedule_file`: PyTorch's compute-only
// CSV, or a YAML file with a list `ranks:` of lists of the same cells (docs/schedules.md).
#pragma once

#include <memory>
#include <string>

#include "scenarios/source.hpp"
#include "strategies/schedule.hpp"

namespace scenarios {

// Read by the ending of its name, and checked: complete, in the order of the data, without
// deadlock. Throws ScenarioError at the place that is wrong; `named_at` is where the scenario names
// it.
std::shared_ptr<const strategies::PipelineSchedule> read_schedule_file(const std::string& path,
                                                                       Position named_at,
                                                                       Sources& sources,
                                                                       Diagnostics& diagnostics);

}  // namespace scenarios
