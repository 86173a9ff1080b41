// Between the files of torchtitan's importer and exporter.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "formats/import_draft.hpp"

namespace formats {

// A flavor of a model: a catalogue entry of the same shape, or the shape as keys of `model`.
struct TorchtitanFlavor {
  std::string_view name, flavor;
  std::string_view base;
  std::span<const std::pair<std::string_view, std::string_view>> keys;
};
std::span<const TorchtitanFlavor> torchtitan_flavors();

// The flavor that a model's shape is, or null.
const TorchtitanFlavor* torchtitan_flavor_of(const scenarios::Scenario& scenario);

// torchtitan's names of schedules and ours.
struct TorchtitanSchedule {
  std::string_view theirs, ours;
  bool several;  // stages a rank
};
std::span<const TorchtitanSchedule> torchtitan_schedules();

void draft_torchtitan(ImportDraft& draft);

}  // namespace formats
