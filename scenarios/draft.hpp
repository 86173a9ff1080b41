// A scenario while it is read: the values of keys, before defaults that follow from other values.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/node.hpp"
#include "scenarios/scenario.hpp"
#include "scenarios/source.hpp"

namespace scenarios {

// What a device's data sheet says of its links, as defaults for the cluster around it.
struct DeviceDraft {
  std::string base;  // catalogue name
  models::Device device;
  std::string scale_up_type = "none";  // nvlink_switch | nvlink_mesh | xgmi_mesh | pcie | none
  sim::Time scale_up_latency;
};

struct ClusterDraft {
  std::string preset;      // catalogue name
  std::string intra_type;  // nvlink | pcie4 | …
  std::string calibration;
  topologies::ClusterSpec spec;
};

struct BlockDraft {
  std::string name;
  std::int64_t repeat = 1;
  std::vector<models::ListedOperator> operators;
};

struct ModelDraft {
  std::string base;  // catalogue name
  std::string hf;    // path of a config.json
  models::Transformer transformer;
  std::vector<BlockDraft> blocks;
};

struct PlanDraft {
  std::string implementation;  // catalogue name
  strategies::Plan plan;
  std::vector<std::int64_t> stages;                              // pp_layout.stages
  std::string layout;                                            // pp_layout.layout
  std::string schedule_file;                                     // as written
  std::shared_ptr<const strategies::PipelineSchedule> schedule;  // read from it
};

struct Draft {
  std::string name;
  ModelDraft model;
  DeviceDraft device;
  ClusterDraft cluster;
  strategies::Training training;
  PlanDraft strategy;
  strategies::Implementation implementation;
  strategies::Faults faults;
  SearchSection search;
  std::vector<std::string> plugins;            // as written
  std::map<std::string, Position> given;       // dotted key -> where it was set
  std::map<std::string, Position> searched;    // keys of search.fixed and search.ranges
  std::map<std::string, std::string> origins;  // of keys that were not given but follow from others

  bool has(const std::string& key) const { return given.contains(key); }
};

}  // namespace scenarios
