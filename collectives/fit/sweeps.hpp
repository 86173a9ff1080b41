// Reader of the published nccl-tests sweeps in tests/collectives/data, and their prediction; shared
// by the fit and by the tests that guard its result.
//
// nccl_sweeps.csv: one row a sweep with its source, the group, and the fabric by data sheet.
// nccl_points.csv: sweep, bytes, out-of-place time in us.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "collectives/pricing.hpp"

namespace collectives {

struct SweepPoint {
  std::int64_t bytes = 0;
  double time_us = 0.0;
};

struct Sweep {
  std::string name;
  std::string system;  // the machine it was measured on
  std::string role;    // fit, held_out, or other_setting (of the library; not a target)
  std::string quality;
  Kind kind = Kind::all_reduce;
  GroupFacts group;
  Fabric fabric;
  std::uint32_t gpus_per_process = 1;
  std::string version;
  std::vector<SweepPoint> points;
};

// Throws std::runtime_error if a file is missing or malformed.
std::vector<Sweep> read_sweeps(const std::string& directory);

// What the benchmark would print, in us. Where one process drives several GPUs its launches, one
// after the other, hide the collective below a floor.
double predicted_us(const Sweep& sweep, std::int64_t bytes, const ModelConstants& constants,
                    std::string* what = nullptr);

}  // namespace collectives
