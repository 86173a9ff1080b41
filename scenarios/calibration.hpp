// Measured collectives, as `stepcast calibrate` and `import` write them: a YAML file with
//   collectives:
//     - {kind: all_reduce, members: 8, domains: 1, bytes: 1 MiB, time: 60 us}
#pragma once

#include <span>
#include <string>
#include <vector>

#include "collectives/library.hpp"
#include "scenarios/keys.hpp"
#include "scenarios/source.hpp"

namespace scenarios {

std::vector<collectives::CalibratedPoint> read_calibration(const std::string& path,
                                                           Sources& sources,
                                                           Diagnostics& diagnostics);

// The keys of one measurement, for the reference.
std::span<const Key<collectives::CalibratedPoint>> calibration_keys();

}  // namespace scenarios
