// A Report as the first screen of `run`.
#pragma once

#include <cstdint>
#include <string>

#include "scenarios/report.hpp"

namespace reports {

enum class Colour : std::uint8_t { off, on };

std::string summary(const scenarios::Report& report, Colour colour);

}  // namespace reports
