// The machine this runs on, as calibration profiles describe it.
#pragma once

#include <cstdint>
#include <string>

#include "studies/calibration_profile.hpp"

namespace apps {

struct LocalMachine {
  std::string cpu;          // model name
  unsigned cores = 1;       // this process may use
  std::int64_t memory = 0;  // bytes
  double clock_mhz = 0.0;   // as the kernel reports it now
  std::string kernel;       // release and architecture
};

LocalMachine local_machine();
std::string describe(const LocalMachine& machine);

// Machine and program, with a digest of what must be the same for a profile to hold.
studies::TextPairs fingerprint(const LocalMachine& machine);

// Now (or SOURCE_DATE_EPOCH), in UTC: 2026-11-26T23:10:00Z.
std::string utc_now();

}  // namespace apps
