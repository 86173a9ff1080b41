// What the parts of a layer are called in programs and traces.
#pragma once

#include <array>

#include "strategies/cost_table.hpp"

namespace strategies {

inline constexpr std::array<const char*, kRegions> kRegionNames{
    "embedding",     "attention norm", "attention in", "attention", "attention out", "residual",
    "mlp norm",      "router",         "dispatch",     "mlp in",    "mlp out",       "combine",
    "shared expert", "residual",       "final norm",   "head",      "loss"};

}  // namespace strategies
