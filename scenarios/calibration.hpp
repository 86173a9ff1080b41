// Calibration files, as `stepcast calibrate` writes them. What is read here of them:
//   made: 2026-11-26T23:10:00Z       provenance
//   machine: Intel Xeon, 2 cores
//   method: mpi
//   reliable: true
//   device: {…}                      keys of cluster.device, for a cluster that names no device
//   fits:                            piecewise fits of collectives
//     - {kind: all_reduce, members: 2, segments: [{from: 8 B, latency: 1 us, bandwidth: 5 GB/s}]}
//   collectives:                     single measurements
//     - {kind: all_reduce, members: 8, domains: 1, bytes: 1 MiB, time: 60 us}
// Anything else in the file (residuals, settings of the measurement) is for people.
#pragma once

#include <span>
#include <string>

#include "collectives/library.hpp"
#include "scenarios/keys.hpp"
#include "scenarios/scenario.hpp"
#include "scenarios/source.hpp"

namespace scenarios {

struct CalibrationFile {
  CalibrationOrigin origin;
  collectives::Calibration collectives;
};

// `named_at`: where the scenario names it.
CalibrationFile read_calibration(const std::string& path, Position named_at, Sources& sources,
                                 Diagnostics& diagnostics);

// The `device:` of a calibration file; null when it has none.
Node read_calibrated_device(const std::string& path, Position named_at, Sources& sources,
                            Diagnostics& diagnostics);

// The keys of one measurement, of a fit and of its segments, for the reference.
std::span<const Key<collectives::CalibratedPoint>> calibration_keys();
std::span<const Key<collectives::CalibratedFit>> fit_keys();
std::span<const Key<collectives::FitSegment>> segment_keys();

}  // namespace scenarios
