// The parts of `calibrate` that need no MPI.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apps/calibrate_options.hpp"
#include "studies/calibration_profile.hpp"
#include "studies/device_fit.hpp"

namespace apps {

int calibrate_import(const CalibrateOptions& options);
int calibrate_compute(const CalibrateOptions& options);

// A fit of the timings of one group, or nothing (with a message on stderr) where they are too few.
bool add_fit(const collectives::CalibratedFit& what, const std::vector<studies::Timing>& timings,
             const std::string& from, std::vector<studies::FittedCollective>& out);

// Keys of cluster.device that a fit found, over a catalogue device.
studies::TextPairs device_keys_over(const std::string& base, const studies::DeviceFit& fit);

// The profile to --out and `quality` to stdout, or the profile to stdout. Returns the exit code.
int write_profile(const CalibrateOptions& options, const studies::CalibrationProfile& profile,
                  const std::string& quality);

}  // namespace apps
