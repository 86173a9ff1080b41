// Reads scenario files. The only user of yaml-cpp; format: docs/scenario-reference.md.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "scenarios/scenario.hpp"

namespace scenarios {

// One thing wrong with the input. Everything independent is reported at once.
struct Diagnostic {
  std::string file;
  int line = 0;             // 1-based; 0 = no position
  int column = 0;           // 1-based, in code points
  std::string path;         // dotted key, e.g. strategy.tp
  std::string message;      // what is wrong
  std::string hint;         // what would be right
  std::string source_line;  // for the caret; may be empty

  std::string to_string() const;  // file:line:column: error: message, source line, caret, hint
};

enum class ErrorKind { invalid_input, io, limit };

class ScenarioError : public std::runtime_error {
 public:
  ScenarioError(ErrorKind kind, std::vector<Diagnostic> diagnostics);
  ErrorKind kind() const { return kind_; }
  const std::vector<Diagnostic>& diagnostics() const { return diagnostics_; }

 private:
  ErrorKind kind_;
  std::vector<Diagnostic> diagnostics_;
};

struct ReadOptions {
  std::vector<std::string> set;  // "dotted.key=value", in order, after the file
  std::string catalogue;         // folder; empty = the built-in one
  bool allow_plugins = false;    // false: a scenario with `plugins:` is refused
  bool check_strategy = true;    // false: the plan is a starting point only (search), not checked
};

// The scenario of a file, its `strategies:` ignored. Throws ScenarioError.
Scenario read_scenario(const std::string& file, const ReadOptions& options = {});

// One scenario per entry of `strategies:` (each with the entry applied on top), or the one scenario
// when there is no such section. Throws ScenarioError.
std::vector<Scenario> read_scenarios(const std::string& file, const ReadOptions& options = {});

// One scenario per entry of `search.gpus`, with that many GPUs; the one scenario when there is no
// such list. What is wrong with a count is said at its place in the list. Throws ScenarioError.
std::vector<Scenario> read_search_scenarios(const std::string& file, const ReadOptions& options);
std::vector<Scenario> read_search_scenarios_text(const std::string& text, const std::string& file,
                                                 const ReadOptions& options);

// The same from text; `file` is only used in messages and to resolve `extends:`.
Scenario read_scenario_text(const std::string& text, const std::string& file,
                            const ReadOptions& options = {});

// Reads a cluster by catalogue name or a file with a `cluster:` section (for `topology`).
struct ClusterAndDevice {
  topologies::ClusterSpec cluster;
  models::Device device;
};
ClusterAndDevice read_cluster(const std::string& name_or_file, const ReadOptions& options = {});
models::Model read_model(const std::string& catalogue_name, const ReadOptions& options = {});

// The dotted key that a spelling means: of a value, or of a section. Throws ScenarioError, of
// `source`, with the nearest key where there is none.
std::string known_key(const std::string& dotted, const std::string& source);

// Names and one-line summaries of a catalogue folder: models, devices, clusters, profiles.
struct CatalogueEntry {
  std::string name;
  std::string summary;
};
std::vector<CatalogueEntry> list_catalogue(const std::string& section,
                                           const ReadOptions& options = {});

// The JSON Schema (draft-07) of the scenario file, and docs/scenario-reference.md. Both are made
// from the table of keys that the reader reads by.
std::string scenario_schema();
std::string scenario_reference();

// A scenario file that reads as the same scenario: every key with the value it was resolved to.
std::string to_yaml(const Scenario& scenario);

}  // namespace scenarios
