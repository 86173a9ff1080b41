#include "scenarios/fit_advice.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "scenarios/reader.hpp"
#include "scenarios/step_model.hpp"

namespace scenarios {
namespace {

struct Change {
  std::string text;
  std::function<bool(Scenario&)> apply;  // false when it changes nothing
};

bool recompute(Scenario& s, strategies::Recompute mode, std::vector<models::Module> modules) {
  if (s.training.recompute.mode >= mode) return false;
  s.training.recompute = {mode, std::move(modules), 0, 1};
  return true;
}

bool shard(Scenario& s, int zero) {
  if (s.plan.zero >= zero || s.plan.dp * s.plan.cp == 1 || (zero == 3 && s.plan.pp > 1)) {
    return false;
  }
  s.plan.zero = zero;
  s.plan.shard_group = s.plan.dp * s.plan.cp;
  return true;
}

bool halve_micro_batch(Scenario& s) {
  if (s.training.micro_batch % 2 != 0) return false;
  s.training.micro_batch /= 2;
  return true;
}

// From the least to the most costly in time.
std::vector<Change> changes() {
  using models::Module;
  using strategies::Recompute;
  return {
      {"strategy.zero: 1", [](Scenario& s) { return shard(s, 1); }},
      {"strategy.zero: 2", [](Scenario& s) { return shard(s, 2); }},
      {"training.deallocate_early: true",
       [](Scenario& s) { return !std::exchange(s.training.deallocate_early, true); }},
      {"training.recompute: selective",
       [](Scenario& s) { return recompute(s, Recompute::selective, {Module::core_attn}); }},
      {"training.micro_batch halved", halve_micro_batch},
      {"strategy.zero: 3", [](Scenario& s) { return shard(s, 3); }},
      {"training.recompute: full", [](Scenario& s) { return recompute(s, Recompute::full, {}); }},
      {"strategy.offload.optimizer: 1",
       [](Scenario& s) { return std::exchange(s.plan.offload.optimizer, 1.0) < 1.0; }},
  };
}

sim::Bytes worst_driver(const Scenario& scenario) {
  const auto model = build_step(scenario);
  sim::Bytes worst;
  for (const StageMemory& stage : stage_memory(scenario, *model)) {
    worst = std::max(worst, stage.driver);
  }
  return worst;
}

// The memory after the changes, or nothing where they do not apply together.
std::optional<sim::Bytes> after(const Scenario& scenario, const std::vector<const Change*>& list) {
  Scenario changed = scenario;
  for (const Change* change : list) {
    if (!change->apply(changed)) return std::nullopt;
  }
  try {
    return worst_driver(changed);
  } catch (const ScenarioError&) {
    return std::nullopt;
  }
}

}  // namespace

std::vector<std::string> advise_on_fit(const Scenario& scenario, sim::Bytes available) {
  constexpr std::size_t kMost = 4;
  const std::vector<Change> all = changes();
  std::vector<std::string> out;
  for (const Change& change : all) {
    const auto memory = after(scenario, {&change});
    if (memory && *memory <= available && out.size() < kMost) {
      out.push_back(fmt::format("{} (then {:.1f} GiB)", change.text, memory->gib()));
    }
  }
  for (std::size_t a = 0; a < all.size() && out.empty(); ++a) {
    for (std::size_t b = a + 1; b < all.size() && out.size() < kMost; ++b) {
      const auto memory = after(scenario, {&all[a], &all[b]});
      if (memory && *memory <= available) {
        out.push_back(
            fmt::format("{} and {} (then {:.1f} GiB)", all[a].text, all[b].text, memory->gib()));
      }
    }
  }
  return out;
}

}  // namespace scenarios
