// Stage layouts of a core, numbered so that equal ones are recognised among all cores.
#include <algorithm>

#include "studies/search_bounds.hpp"

namespace studies {
namespace {

using strategies::PassSlot;

bool makes_final(const PassSlot& slot) {
  return slot.kind == strategies::PassKind::backward ||
         slot.kind == strategies::PassKind::backward_weight;
}

std::vector<PassSlot> last_passes(const std::vector<PassSlot>& slots, std::size_t chunks) {
  std::vector<PassSlot> out;
  std::vector<bool> seen(chunks, false);
  for (auto slot = slots.rbegin(); slot != slots.rend() && out.size() < chunks; ++slot) {
    const auto c = static_cast<std::size_t>(slot->chunk);
    if (!makes_final(*slot) || seen[c]) continue;
    seen[c] = true;
    out.push_back({slot->kind, slot->chunk, slot->micro_batch});
  }
  std::reverse(out.begin(), out.end());
  return out;
}

// What a chunk is made of, by the numbers of its units.
template <class NumberOf>
std::vector<std::int64_t> units_of(const strategies::Chunk& chunk, const NumberOf& number_of) {
  std::vector<std::int64_t> out{chunk.tied_parameters};
  for (const strategies::Unit& unit : chunk.units) out.push_back(number_of(unit.cost));
  return out;
}

}  // namespace

// One for all units that hold the same parameters: what they compute does not matter to what stands
// around the passes.
const strategies::UnitCost* SearchBounds::hollow(const strategies::UnitCost& unit) {
  const HollowKey key{unit.dense_parameters, unit.expert_parameters, unit.quantised_parameters,
                      unit.is_layer ? 1 : 0};
  auto& out = hollow_units_[key];
  if (!out) {
    out = std::make_unique<strategies::UnitCost>();
    out->dense_parameters = unit.dense_parameters;
    out->expert_parameters = unit.expert_parameters;
    out->quantised_parameters = unit.quantised_parameters;
    out->is_layer = unit.is_layer;
    // Something to compute, for communication to follow; nothing communicates for its sake.
    auto& norm = out->regions[static_cast<std::size_t>(models::Region::final_norm)];
    norm.present = true;
    norm.forward.time = norm.backward_data.time = norm.backward_weight.time = sim::Time::ps(1);
  }
  return out.get();
}

const std::vector<StageLayout>& SearchBounds::layouts(Prepared& prepared,
                                                      const scenarios::Scenario& scenario) {
  if (!prepared.layouts.empty()) return prepared.layouts;
  const SchedulePtr kept = kept_schedule(scenario);
  const strategies::PipelineSchedule& schedule = kept->schedule;
  const auto& numbers = prepared.table->unit_numbers;
  const auto of_unit = [&](const strategies::UnitCost* unit) { return numbers.at(unit); };
  // Hollow ones are kept as long as this object: their places tell them apart, from others, too.
  const auto of_hollow = [](const strategies::UnitCost* unit) {
    return -static_cast<std::int64_t>(reinterpret_cast<std::intptr_t>(unit));
  };
  const auto number = [&](std::vector<std::int64_t> key) {
    const auto next = static_cast<std::uint32_t>(layout_numbers_.size());
    return layout_numbers_.try_emplace(std::move(key), next).first->second;
  };
  for (std::int64_t s = 0; s < scenario.plan.pp; ++s) {
    StageLayout stage;
    stage.chunks = strategies::chunks_of_stage(scenario.model, scenario.plan, schedule,
                                               *prepared.table->costs, scenario.implementation, s);
    stage.last = last_passes(schedule.stages[static_cast<std::size_t>(s)], stage.chunks.size());
    stage.hollow = stage.chunks;
    for (strategies::Chunk& chunk : stage.hollow) {
      for (strategies::Unit& unit : chunk.units) unit.cost = hollow(*unit.cost);
    }
    std::vector<std::int64_t> all{-1};
    for (std::size_t c = 0; c < stage.chunks.size(); ++c) {
      stage.chunk_numbers.push_back(number(units_of(stage.chunks[c], of_unit)));
      all.push_back(number(units_of(stage.hollow[c], of_hollow)));
    }
    for (const PassSlot& slot : stage.last) {
      all.push_back(static_cast<std::int64_t>(slot.kind));
      all.push_back(slot.chunk);
    }
    stage.number = number(std::move(all));
    prepared.layouts.push_back(std::move(stage));
  }
  return prepared.layouts;
}

}  // namespace studies
