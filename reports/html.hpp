// A Report as one HTML file that loads nothing: step-time waterfall, memory by stage, timeline of
// the ranks that were traced, and every resolved value.
//
// The data is inert JSON, its policy allows only the one script (by hash), and the script puts text
// into the page only as text nodes.
#pragma once

#include <string>

#include "scenarios/report.hpp"

namespace reports {

std::string html(const scenarios::Report& report);

}  // namespace reports
