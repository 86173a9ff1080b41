// What `calibrate` asks for. Filled by add_calibrate() in cli_calibrate.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace apps {

enum class Calibrate : std::uint8_t { mpi, compute, import, verify };

struct CalibrateOptions {
  Calibrate what = Calibrate::import;
  std::string out;                 // profile; empty or "-" = stdout
  std::vector<std::string> files;  // import
  std::uint32_t ranks = 0;  // import: of the group; compute: processes side by side; 0 = auto
  std::uint32_t nodes = 0;  // import
  std::string kind;         // import
  std::string device;       // import of kernels: catalogue device they ran on
  double seconds = 0.0;     // about so long; 0 = the usual; not import
  bool force = false;       // mpi: also with more ranks than cores
  bool numerics = false;    // verify: without times
  std::string spoil;        // verify: name of a strategy whose gradients are made wrong
  std::string calibration;  // verify: the profile to predict from; empty = measures one
};

}  // namespace apps
