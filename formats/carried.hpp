// What an exported file does not say: it is imported again, and every key that is another one then
// becomes a note.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/import_draft.hpp"

namespace formats {

struct CarriedReason {
  std::string_view key;  // dotted, or what such keys begin with
  std::string_view text;
};

struct ExportedFile {
  std::string text;
  void (*draft)(ImportDraft& draft);  // the importer of the format
  std::span<const CarriedReason> reasons;
  // Keys that are of no interest: what they say has no effect here, or is said in a note of its
  // own.
  bool (*idle)(const scenarios::Scenario& scenario, std::string_view key) = nullptr;
  bool names_model = true;  // false: the format has no words for models at all
};

// The scenario that the file means on the cluster of `scenario`. Throws scenarios::ScenarioError.
scenarios::Scenario read_back(const scenarios::Scenario& scenario, const ExportedFile& file);

std::vector<Note> not_carried(const scenarios::Scenario& scenario, const ExportedFile& file);

}  // namespace formats
