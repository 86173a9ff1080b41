// A Report as JSON: keys and meaning are fixed (docs/scenario-reference.md, "Result").
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "scenarios/report.hpp"

namespace reports {

// Everything but simulation.wall_s is the same for the same input.
nlohmann::ordered_json to_json(const scenarios::Report& report);

// Indented text with a final line end; invalid UTF-8 becomes U+FFFD.
std::string dump(const nlohmann::ordered_json& json);

// One header line and one line a report.
std::string csv(std::span<const scenarios::Report> reports);

}  // namespace reports
