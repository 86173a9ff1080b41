// Shared by the tests of the reader.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "scenarios/reader.hpp"

namespace support {

inline std::filesystem::path source_dir() { return STEPCAST_SOURCE_DIR; }

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_text(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

// STEPCAST_UPDATE=1 renews the files that tests compare with; review them with git diff.
inline bool update() { return std::getenv("STEPCAST_UPDATE") != nullptr; }

// What the reader says of a text: all diagnostics, or nothing.
inline std::string complaint(const std::string& text, const std::string& file = "test.yaml",
                             const scenarios::ReadOptions& options = {}) {
  try {
    scenarios::read_scenario_text(text, file, options);
    return {};
  } catch (const scenarios::ScenarioError& error) {
    return error.what();
  }
}

inline std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder,
                                                   const std::string& extension) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == extension) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// A folder of its own that goes away with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "stepcast-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// A small job that is right; tests add to it.
inline const std::string kSmall =
    "model: {layers: 12, hidden: 768, heads: 12, kv_heads: 4, vocab: 50257}\n"
    "cluster: {preset: dgx-a100, gpus: 16}\n"
    "training: {seq_len: 1024, global_batch: 64}\n";

inline std::string value_of(const scenarios::Scenario& scenario, const std::string& key) {
  for (const auto& item : scenario.resolved) {
    if (item.key == key) return item.value;
  }
  return "(absent)";
}

inline std::string origin_of(const scenarios::Scenario& scenario, const std::string& key) {
  for (const auto& item : scenario.resolved) {
    if (item.key == key) return item.origin;
  }
  return "(absent)";
}

}  // namespace support
