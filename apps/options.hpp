// What the command line asks for, one struct a sub-command. Filled by parse() in cli.cpp, the only
// file that knows CLI11.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "apps/calibrate_options.hpp"
#include "apps/convert_options.hpp"
#include "apps/search_options.hpp"
#include "apps/sweep_options.hpp"
#include "apps/validate_options.hpp"
#include "scenarios/report.hpp"

namespace apps {

enum class Format : std::uint8_t { table, json, csv };

// Common to everything that simulates.
struct Common {
  Format format = Format::table;
  std::vector<std::string> set;  // dotted.key=value
  scenarios::PredictOptions predict;
  bool require_fit = false;
  bool allow_plugins = false;
  std::uint64_t max_memory = 0;  // bytes this process may use; 0 = three quarters of what is free
  double time_limit_s = 0.0;     // 0 = none
};

struct RunOptions {
  Common common;
  std::string scenario;
  std::string trace;   // file; .gz is compressed
  std::string report;  // HTML file
  bool sensitivity = false;
  std::vector<std::string> what_if;
};

struct CompareOptions {
  Common common;
  std::vector<std::string> scenarios;
  std::size_t baseline = 0;
};

struct ListOptions {
  Format format = Format::table;
  std::string what;
};

struct TopologyOptions {
  Format format = Format::table;
  std::string cluster;  // catalogue name or scenario file
  std::vector<std::string> set;
  bool dot = false;
  std::int64_t from = -1;  // ranks of a route to show; -1 = none
  std::int64_t to = -1;
};

struct ExplainOptions {
  Format format = Format::table;
  std::string what;  // model name or scenario file
  std::vector<std::string> set;
  bool allow_plugins = false;
  std::int64_t seq_len = 0;  // of a model: 0 = 8192, or its learned positions
  double tokens = 0.0;       // training tokens; 0 = no training time and cost
};

struct SchemaOptions {};

// Parsing has answered by itself (help, version): nothing is left to do.
struct Answered {};

using Invocation = std::variant<Answered, RunOptions, CompareOptions, ListOptions, TopologyOptions,
                                ExplainOptions, SchemaOptions, ValidateOptions, SearchOptions,
                                SweepOptions, CalibrateOptions, ImportOptions, ExportOptions>;

// A command line that makes no sense: exit code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws UsageError. Prints help and version on stdout itself.
Invocation parse(int argc, const char* const* argv);

// Whether errors should be given as JSON too.
bool wants_json(const Invocation& invocation);

}  // namespace apps
