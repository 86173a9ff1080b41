// A scenario while it is read from another tool's file: keys with the place they come from, notes,
// and faults.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "formats/format.hpp"
#include "scenarios/reader.hpp"

namespace formats {

struct Place {
  std::size_t line = 0;    // 1-based; 0 = the file as a whole
  std::size_t column = 0;  // 1-based
};

class ImportDraft {
 public:
  explicit ImportDraft(const ImportRequest& request);

  const ImportRequest& request() const { return request_; }
  Place place(std::size_t offset) const;  // of the file's text

  // A key, dotted, and its value as YAML writes it. The last word counts.
  void set(std::string key, std::string value, Place at = {});
  void set(std::string key, std::int64_t value, Place at = {});
  void set(std::string key, bool value, Place at = {});
  const std::string* find(std::string_view key) const;

  void note(Place at, std::string text) { notes_.push_back({at.line, std::move(text)}); }
  void fault(Place at, std::string message, std::string hint = {});

  // Says where it runs: --gpus, else what the file says (0 = nothing), else `assumed`.
  void settle_gpus(std::int64_t in_file, Place at, std::int64_t assumed);
  std::int64_t gpus() const { return gpus_; }

  // The product of parallel degrees; more ranks than any machine has are a fault, and 1.
  std::int64_t ranks(std::initializer_list<std::int64_t> degrees, Place at);

  // The scenario as YAML, keys in the order of the reference, its cluster as the given section,
  // and its model, where one is given. Throws what was wrong so far.
  std::string yaml(const std::string& cluster, const std::string& model = {}) const;

  // The scenario with the cluster that was asked for. What its reader refuses is said at the place
  // in the file that the key comes from. Throws scenarios::ScenarioError.
  Imported finish();

 private:
  struct Setting {
    std::string key, value;
    Place at;
  };

  scenarios::Diagnostic diagnostic(Place at, std::string message, std::string hint) const;
  void place_in_file(scenarios::Diagnostic& diagnostic) const;

  ImportRequest request_;
  std::vector<std::size_t> line_starts_;
  std::vector<Setting> settings_;
  std::vector<Note> notes_;
  std::vector<scenarios::Diagnostic> faults_;
  std::int64_t gpus_ = 0;
};

// A top-level section of a scenario as YAML, with its key.
std::string yaml_section(const std::string& yaml, const std::string& key);

// Text as YAML takes it: in single quotes, or only where it needs some.
std::string yaml_quoted(std::string_view text);
std::string yaml_word(const std::string& text);

// The last part of a path.
std::string file_name(const std::string& path);

}  // namespace formats
