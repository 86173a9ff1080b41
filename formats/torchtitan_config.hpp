// The values of a TOML file by their dotted names, each with its place; those that nobody asks for
// become notes.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "formats/import_draft.hpp"

namespace formats {

class TorchtitanConfig {
 public:
  using Names = std::initializer_list<const char*>;  // of one setting, in newer and older files

  // What is no TOML is a fault; then broken().
  explicit TorchtitanConfig(ImportDraft& draft);

  bool broken() const { return broken_; }
  Place at(Names names);
  // `open`: -1 is a value, too.
  std::int64_t count(Names names, std::int64_t otherwise, bool open = false);
  bool flag(Names names, bool otherwise = false);
  std::string text(Names names, std::string otherwise);
  std::string choice(Names names, const std::string& otherwise,
                     const std::vector<std::string>& choices);
  std::vector<std::string> words(Names names);  // a list of texts, or one text with commas
  void note_rest();

  enum class Kind : std::uint8_t { integer, boolean, text, list, other };
  struct Value {
    Kind kind = Kind::other;
    std::int64_t number = 0;
    std::string text;
    std::vector<std::string> items;
    Place at;
  };

 private:
  const Value* find(Names names);

  ImportDraft& draft_;
  std::map<std::string, Value> values_;
  std::set<std::string> asked_;
  bool broken_ = false;
};

}  // namespace formats
