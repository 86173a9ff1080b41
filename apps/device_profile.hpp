// A core of this machine as a device, fitted to its measured kernels.
#pragma once

#include <string>
#include <vector>

#include "apps/machine.hpp"
#include "studies/device_fit.hpp"

namespace apps {

// Adds the keys of cluster.device and the errors to the profile; returns the errors as text.
// `processes` share the machine's memory.
std::string add_local_device(const LocalMachine& machine, unsigned processes,
                             const std::vector<studies::MeasuredKernel>& kernels,
                             studies::CalibrationProfile& profile);

std::string device_quality_text(const studies::DeviceFit& fit);

}  // namespace apps
