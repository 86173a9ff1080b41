// Several reports side by side, with what makes each differ from the baseline.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "scenarios/report.hpp"

namespace reports {

// REQUIRES: baseline < reports.size(), also below.
std::string comparison(std::span<const scenarios::Report> reports, std::size_t baseline);

// {"results": [...], "baseline": i, "differences": [...]}: results in the order given.
nlohmann::ordered_json comparison_json(std::span<const scenarios::Report> reports,
                                       std::size_t baseline);

}  // namespace reports
