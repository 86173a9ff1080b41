// Texts that scenario values come from, and positions in them for messages and provenance.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/reader.hpp"

namespace scenarios {

inline constexpr std::size_t kMaxFileBytes = std::size_t{8} << 20U;
inline constexpr std::size_t kMaxErrors = 20;

struct Position {
  std::uint32_t source = 0;
  int line = 0;    // 1-based; 0 = the source as a whole
  int column = 0;  // 1-based, in code points
};

enum class SourceKind : std::uint8_t { scenario, command_line, catalogue, computed };

struct Source {
  std::string name;   // as messages show it: a path, or --set
  std::string text;   // whole content, without byte-order mark
  std::string label;  // as provenance shows it: "scenario", "--set", "catalogue models/gpt2-xl"
  SourceKind kind = SourceKind::scenario;
};

// All texts of one reading. Position::source indexes it.
class Sources {
 public:
  std::uint32_t add(Source source);
  const Source& operator[](std::uint32_t index) const { return list_[index]; }
  bool by_user(Position at) const;
  std::vector<std::string> files() const;    // in the order they were read
  std::string line_text(Position at) const;  // without the line end; empty when there is none

 private:
  std::vector<Source> list_;
};

// Collects errors; throws ScenarioError when asked to, or at once when kMaxErrors is reached.
class Diagnostics {
 public:
  explicit Diagnostics(const Sources& sources) : sources_(sources) {}
  void error(Position at, std::string path, std::string message, std::string hint = {});
  [[noreturn]] void fatal(Position at, std::string message, std::string hint = {},
                          ErrorKind kind = ErrorKind::invalid_input);
  bool any() const { return !list_.empty(); }
  void throw_if_any();

 private:
  Diagnostic make(Position at, std::string path, std::string message, std::string hint) const;
  const Sources& sources_;
  std::vector<Diagnostic> list_;
};

// The content of a regular file of at most `limit` bytes. Throws ScenarioError (io when it cannot
// be read, invalid_input when it is no regular file or too large).
std::string read_regular_file(const std::string& path, std::size_t limit = kMaxFileBytes);

// The same of a file that a scenario names at `at`: what is wrong with it is said there.
std::string read_named_file(const std::string& path, Position at, Diagnostics& diagnostics);

// A file that a value at `at` names: relative to the file it stands in, or, on the command line, to
// the working folder.
std::string beside(const Sources& sources, Position at, const std::string& name);

// The candidate nearest to `word` by edit distance, or empty when none is near enough.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace scenarios
