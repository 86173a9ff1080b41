#include "formats/carried.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "scenarios/problems.hpp"
#include "scenarios/reader.hpp"

namespace formats {
namespace {

using scenarios::Resolved;
using scenarios::Scenario;

// What a run is called and where it runs, and keys that are compared by what they come to.
bool is_apart(std::string_view key) {
  return key == "name" || key == "model.base" || key == "model.hf" || key.starts_with("cluster.") ||
         key.starts_with("strategy.pp_layout.") || key.starts_with("search.") ||
         key.starts_with("implementation.overlap.");
}

bool of_implementation(std::string_view key) { return key.starts_with("implementation."); }

// Without a learned table the limit changes nothing.
bool rests_here(const Scenario& scenario, std::string_view key) {
  const models::Transformer* model = scenario.model.transformer();
  if (key == "model.max_positions") {
    return model != nullptr && model->position != models::Position::learned;
  }
  if (key == "model.head_dim") return model != nullptr && model->mla.has_value();
  if (key == "model.kv_heads") return model != nullptr && model->mla.has_value();
  return scenarios::rests(scenario, key);
}

// Defaults that a profile brings along are keys of strategy and training, too.
bool written_by_user(const Resolved& item) {
  return item.origin == "scenario" || item.origin == "--set";
}

std::string reason_of(std::string_view key, std::span<const CarriedReason> reasons) {
  const auto found = std::find_if(reasons.begin(), reasons.end(), [&](const CarriedReason& reason) {
    return key == reason.key || (reason.key.ends_with('.') && key.starts_with(reason.key));
  });
  return found == reasons.end() ? "" : fmt::format(" ({})", found->text);
}

std::string layers_text(const Scenario& scenario) {
  return fmt::format("[{}]", fmt::join(scenario.plan.layers_of_chunk, ", "));
}

}  // namespace

Scenario read_back(const Scenario& scenario, const ExportedFile& file) {
  ImportDraft draft({"exported", file.text, {}, scenario.cluster.gpus});
  file.draft(draft);
  const std::string yaml = scenarios::to_yaml(scenario);
  return scenarios::read_scenario_text(
      draft.yaml(yaml_section(yaml, "cluster"),
                 file.names_model ? std::string() : yaml_section(yaml, "model")),
      "exported");
}

std::vector<Note> not_carried(const Scenario& scenario, const ExportedFile& file) {
  Scenario back;
  try {
    back = read_back(scenario, file);
  } catch (const scenarios::ScenarioError& error) {
    const scenarios::Diagnostic& said = error.diagnostics().front();
    return {{0, fmt::format("the file is refused when it is imported again: {}", said.message)}};
  }
  std::map<std::string_view, std::string_view> read;
  for (const Resolved& item : back.resolved) read.emplace(item.key, item.value);
  std::vector<Note> notes;
  const auto say = [&](const Resolved& item, std::string_view means) {
    notes.push_back({0, fmt::format("{}: {} does not carry over; the file means {}{}", item.key,
                                    item.value, means, reason_of(item.key, file.reasons))});
  };
  const bool same_code = scenario.implementation.name == back.implementation.name;
  for (const Resolved& item : scenario.resolved) {
    const bool plainly_idle = is_apart(item.key) || rests_here(scenario, item.key) ||
                              (file.idle != nullptr && file.idle(scenario, item.key));
    if (plainly_idle) continue;
    if (item.key == "implementation.base") {
      if (!same_code) say(item, back.implementation.name);
      continue;
    }
    if (of_implementation(item.key) && !same_code && !written_by_user(item)) continue;
    const auto found = read.find(item.key);
    const std::string_view means = found == read.end() ? "nothing of it" : found->second;
    if (means != item.value) say(item, means);
  }
  if (scenario.plan.layers_of_chunk != back.plan.layers_of_chunk) {
    say({"strategy.pp_layout", layers_text(scenario), {}}, layers_text(back));
  }
  return notes;
}

}  // namespace formats
