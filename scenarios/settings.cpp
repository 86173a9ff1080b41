#include "scenarios/settings.hpp"

#include <algorithm>
#include <map>

#include <fmt/core.h>

#include "scenarios/keys.hpp"
#include "scenarios/problems.hpp"
#include "scenarios/yaml_parser.hpp"

namespace scenarios {
namespace {

Draft draft_of(const Scenario& scenario) {
  Draft draft;
  draft.training = scenario.training;
  draft.strategy.plan = scenario.plan;
  draft.strategy.stages = scenario.plan.layers_of_chunk;
  return draft;
}

bool changeable(std::string_view path) {
  return path.starts_with("training.") || path.starts_with("strategy.");
}

// `training.recompute` says the mode; its finer keys only speak in their mode.
bool applies(std::string_view path, const strategies::Training& training) {
  const strategies::Recompute mode = training.recompute.mode;
  if (path == "training.recompute.mode") return false;
  if (path == "training.recompute.modules") return mode == strategies::Recompute::selective;
  if (path.starts_with("training.recompute.")) return mode == strategies::Recompute::full;
  return true;
}

}  // namespace

void apply_setting(Scenario& scenario, const std::string& path, const std::string& value) {
  Sources sources;
  Diagnostics diagnostics(sources);
  ReadContext context{diagnostics};
  const std::uint32_t source = sources.add({path, value, path, SourceKind::command_line});
  const auto keys = scenario_keys();
  const auto key = std::find_if(keys.begin(), keys.end(),
                                [&](const Key<Draft>& each) { return each.info.path == path; });
  if (key == keys.end() || !changeable(path)) {
    diagnostics.fatal({source, 1, 1}, fmt::format("`{}` is no key of strategy or training", path));
  }
  Draft draft = draft_of(scenario);
  key->store(parse_value(sources, source, 0), key->info, context, draft);
  diagnostics.throw_if_any();
  scenario.training = draft.training;
  scenario.plan = draft.strategy.plan;
  scenario.plan.layers_of_chunk = draft.strategy.stages;
  settle_offload(scenario.plan, layer_count(scenario.model));
}

void refresh_resolved(Scenario& scenario, const std::string& origin) {
  std::map<std::string, Resolved> before;
  for (const Resolved& item : scenario.resolved) before.emplace(item.key, item);
  auto& list = scenario.resolved;
  const auto first = std::find_if(list.begin(), list.end(),
                                  [](const Resolved& item) { return changeable(item.key); });
  const auto place = first - list.begin();
  std::erase_if(list, [](const Resolved& item) { return changeable(item.key); });
  const Draft draft = draft_of(scenario);
  std::vector<Resolved> fresh;
  for (const Key<Draft>& key : scenario_keys()) {
    const std::string path(key.info.path);
    if (!changeable(path) || !applies(path, scenario.training)) continue;
    const auto value = key.print(draft, key.info);
    if (!value) continue;
    const auto old = before.find(path);
    const bool same = old != before.end() && old->second.value == *value;
    fresh.push_back({path, *value, same ? old->second.origin : origin});
  }
  list.insert(list.begin() + place, fresh.begin(), fresh.end());
}

}  // namespace scenarios
