// What the critical path of a step is made of: from the task that ends last back through what each
// task waited for last, over all ranks. Shortening anything else does not shorten the step.
#pragma once

#include "scenarios/report.hpp"

namespace scenarios {

// Parts add up to the step time; a time in which the next task had not been issued yet, or noise at
// the end, is `other`; there is no bubble: what another stage did meanwhile is on the path.
Breakdown critical_path(const Scenario& scenario, const PredictOptions& options = {});

}  // namespace scenarios
