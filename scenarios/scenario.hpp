// A scenario after reading: every key resolved, checked, and with its origin.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "collectives/library.hpp"
#include "models/device.hpp"
#include "models/model.hpp"
#include "strategies/plan.hpp"
#include "topologies/cluster.hpp"

namespace strategies {
class Plugin;
struct PipelineSchedule;
}  // namespace strategies

namespace scenarios {

struct Warning {
  std::string message;   // what and what it means
  std::string position;  // file:line:column, or empty
};

// One resolved value as the result's provenance echoes it.
struct Resolved {
  std::string key;     // dotted, as in the scenario file
  std::string value;   // as YAML would write it
  std::string origin;  // "scenario", "--set", "profile megatron-core", "catalogue ...", "default"
};

// Where the calibration comes from, as its file says.
struct CalibrationOrigin {
  std::string file;
  std::string made;     // date and time
  std::string machine;  // what was measured
  std::string method;   // how: mpi, compute, or import of which files
  bool reliable = true;
};

// Where the user wrote something, for messages after reading.
struct Written {
  std::string file;
  int line = 0;
  int column = 0;
  std::string source_line;
};

struct SearchSection {
  std::map<std::string, std::string> fixed;                // dotted key, as strategy.tp -> value
  std::map<std::string, std::vector<std::string>> ranges;  // key -> values to try
  double max_memory_bytes = 0.0;                           // 0 = the device's
  std::vector<std::int64_t> gpus;                          // counts to search; empty: cluster.gpus
  std::map<std::string, Written> written;  // of each key: "fixed.strategy.tp", "ranges.strategy.tp"
};

struct Scenario {
  std::string name;
  models::Model model;
  models::Device device;
  topologies::ClusterSpec cluster;
  strategies::Training training;
  strategies::Plan plan;
  strategies::Implementation implementation;
  strategies::Faults faults;
  SearchSection search;
  std::vector<std::shared_ptr<const strategies::Plugin>> plugins;  // more strategies
  // Written by hand; then plan.schedule is "file".
  std::shared_ptr<const strategies::PipelineSchedule> schedule;
  collectives::Calibration calibration;  // empty = modelled alone
  CalibrationOrigin calibration_origin;
  std::vector<Warning> warnings;
  std::vector<Resolved> resolved;
  std::vector<std::string> files;  // that it was read from, its own first
};

}  // namespace scenarios
