// Why a part of the step differs between two scenarios: what of theirs that part depends on
// differs.
#pragma once

#include <string>
#include <string_view>

#include "scenarios/report.hpp"

namespace reports {

// "dp 128 -> 2048, zero 1 -> 3: parameters are gathered for every pass". `part` is a key of the
// breakdown. Empty when nothing that it depends on directly differs: it follows from other parts.
std::string difference_reason(std::string_view part, const scenarios::Report& base,
                              const scenarios::Report& other);

}  // namespace reports
