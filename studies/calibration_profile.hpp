// A calibration profile: fits of measured collectives and of a device, with what they were made
// from and how well they predict what they have not seen. Written as YAML that a scenario names as
// `cluster.calibration` (scenarios/calibration.hpp reads it).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "collectives/library.hpp"
#include "studies/piecewise_fit.hpp"

namespace studies {

struct FittedCollective {
  collectives::CalibratedFit fit;
  FitQuality quality;
  std::string from;         // what was measured: a file, or "stride 2"
  double half_width = 0.0;  // median relative half width of the 95 % confidence intervals; 0 = none
};

using TextPairs = std::vector<std::pair<std::string, std::string>>;

struct CalibrationProfile {
  std::string method;               // mpi | compute | import
  std::string made;                 // UTC, ISO 8601
  std::string machine;              // in words
  std::vector<std::string> doubts;  // why it is no calibration; empty = reliable
  TextPairs fingerprint;            // of the machine and of the software
  TextPairs device;                 // keys of cluster.device, values as YAML
  TextPairs observations;           // what no model uses yet: contention, overlap
  std::vector<FittedCollective> fits;

  bool reliable() const { return doubts.empty(); }
};

std::string to_yaml(const CalibrationProfile& profile);

// One line a fit: what it is of, its pieces, its errors. For the terminal.
std::string quality_text(const std::vector<FittedCollective>& fits);

}  // namespace studies
