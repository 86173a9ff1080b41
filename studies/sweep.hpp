// Sweep: a grid over any keys of a scenario, one simulation a point; strong and weak scaling.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/report.hpp"

namespace studies {

struct SweepAxis {
  std::string key;  // full dotted path
  std::vector<std::string> values;
};

// "strategy.tp=1,2,4"; brackets keep commas together. Throws std::invalid_argument with what is
// wrong in words.
SweepAxis parse_axis(const std::string& text);

enum class Scaling : std::uint8_t {
  none,
  strong,  // more GPUs share the same batch
  weak     // the batch grows with the GPUs
};

struct SweepOptions {
  std::string scenario;          // file
  std::vector<std::string> set;  // dotted.key=value, for every point
  bool allow_plugins = false;    // of the scenario
  std::vector<SweepAxis> axes;   // the last varies fastest
  Scaling scaling = Scaling::none;
  unsigned threads = 0;  // 0 = all cores
  std::function<scenarios::Report(const scenarios::Scenario&)> predict;
};

struct SweepPoint {
  std::vector<std::string> values;  // one an axis
  std::optional<scenarios::Report> report;
  std::string error;    // why there is none: no such strategy, or a value that is none of its key
  bool legible = true;  // false: the latter
};

// Points of the grid, without results, in order. Throws std::invalid_argument beyond 100,000.
std::vector<SweepPoint> sweep_grid(const std::vector<SweepAxis>& axes);

// The settings of a point: its values, and what follows from them. Where the number of GPUs or a
// degree is swept and dp is not, dp is what is left over, and a shard group that was all replicas
// stays all replicas; weak scaling multiplies the batch as the GPUs. Throws ScenarioError.
std::vector<std::string> point_settings(const SweepOptions& options,
                                        const std::vector<std::string>& values);

// Fills in the points, several at once; `done` is told after each. Points that are no scenario get
// an error and the others go on.
void run_sweep(const SweepOptions& options, std::vector<SweepPoint>& points,
               const std::function<void(std::size_t index)>& done);

}  // namespace studies
