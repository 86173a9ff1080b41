// Slurm's lists of names: tux[0-3,12,18-20],login1. Internal to slurm_topology.cpp.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace formats {

inline constexpr std::size_t kMostNames = 100'000;  // that a list may stand for

// Throws std::invalid_argument, saying what is wrong, for what is no such list or stands for more
// names.
std::vector<std::string> expand_hostlist(std::string_view list);

}  // namespace formats
