#include "studies/search_bounds.hpp"

#include <algorithm>

#include "scenarios/problems.hpp"
#include "scenarios/step_model.hpp"
#include "strategies/states.hpp"

namespace studies {
namespace {

using scenarios::Scenario;
using strategies::PassKind;

constexpr auto kForward = static_cast<std::size_t>(PassKind::forward);
constexpr auto kBackward = static_cast<std::size_t>(PassKind::backward);
// Schedules at hand: about 100 MB.
constexpr std::size_t kMostKeptSlots = 2'500'000;
constexpr auto kInput = static_cast<std::size_t>(PassKind::backward_input);

// The least a backward of a piece takes before the piece below can go on. Beside another pass it
// takes no less than alone.
double hand_back(const PassCosts& piece) {
  return std::min(piece.time[kBackward], piece.time[kInput]);
}

}  // namespace

strategies::StepContext memory_context(const Scenario& scenario, const strategies::Plan& plan) {
  strategies::StepContext context;
  context.device = &scenario.device;
  context.training = &scenario.training;
  context.plan = &plan;
  context.implementation = &scenario.implementation;
  context.micro_batches = scenarios::micro_batches(scenario);
  return context;
}

std::vector<PassCosts> piece_costs(const UnitTable& table, const Scenario& scenario) {
  const strategies::Plan& plan = scenario.plan;
  const models::Transformer* transformer = scenario.model.transformer();
  std::vector<PassCosts> out;
  out.reserve(plan.layers_of_chunk.size());
  std::size_t layer = 0;
  for (std::size_t piece = 0; piece < plan.layers_of_chunk.size(); ++piece) {
    const auto next = layer + static_cast<std::size_t>(plan.layers_of_chunk[piece]);
    PassCosts cost;
    if (piece == 0 && transformer != nullptr) cost += table.embedding;
    for (; layer < next; ++layer) cost += table.layer[layer];
    if (transformer != nullptr) {
      visit_ends(table, plan, *transformer, piece,
                 [&](const PassCosts& unit, bool) { cost += unit; });
    }
    out.push_back(cost);
  }
  return out;
}

SearchBounds::SearchBounds(const SearchSpace& space, const sim::Machine& machine)
    : space_(space),
      prices_(space.base(), machine),
      units_(space, prices_),
      tails_(units_, prices_),
      gathered_passes_(units_, prices_) {}

SearchBounds::ScheduleKey SearchBounds::schedule_key(const Scenario& scenario) {
  const strategies::Plan& plan = scenario.plan;
  const std::string name = plan.pp == 1 && plan.vpp == 1 ? "1f1b" : plan.schedule;
  return {name, strategies::schedule_shape(plan, scenarios::micro_batches(scenario)),
          plan.overlap.ep_passes};
}

SearchBounds::SchedulePtr SearchBounds::kept_schedule(const Scenario& scenario) {
  const ScheduleKey key = schedule_key(scenario);
  const auto found = kept_schedules_.find(key);
  if (found != kept_schedules_.end()) return found->second;
  const auto& [name, shape, pairs] = key;
  auto plain = strategies::find_schedule(name)->generate(shape);
  auto kept = std::make_shared<KeptSchedule>();
  kept->schedule = pairs ? strategies::in_pairs(std::move(plain)) : std::move(plain);
  const auto slots =
      static_cast<std::size_t>(2 * shape.stages * shape.chunks * shape.micro_batches);
  if (kept_slots_ + slots > kMostKeptSlots) {
    kept_schedules_.clear();
    kept_slots_ = 0;
  }
  kept_slots_ += slots;
  kept_schedules_.emplace(key, kept);
  return kept;
}

double SearchBounds::host_time(const Scenario& scenario) const {
  return static_cast<double>(scenario.implementation.step_host_time.count()) *
         units_.stretch(scenario);
}

const SearchBounds::ScheduleFacts& SearchBounds::facts(const Scenario& scenario) {
  const auto [entry, is_new] = schedules_.try_emplace(schedule_key(scenario));
  if (!is_new) return entry->second;
  ScheduleFacts& out = entry->second;
  const SchedulePtr kept = kept_schedule(scenario);
  const strategies::PipelineSchedule& schedule = kept->schedule;
  for (std::int64_t s = 0; s < scenario.plan.pp; ++s) {
    StageFacts stage;
    for (std::int64_t c = 0; c < schedule.chunks_of_stage(); ++c) {
      stage.chunks.push_back({schedule.piece_of(s, c), {}, 0.0});
    }
    bool backward = false;
    bool paired = false;
    const auto& slots = schedule.stages[static_cast<std::size_t>(s)];
    for (const strategies::PassSlot& slot : slots) {
      ChunkFacts& chunk = stage.chunks[static_cast<std::size_t>(slot.chunk)];
      const bool beside = paired || slot.with_next;
      (beside ? chunk.paired : chunk.passes)[static_cast<std::size_t>(slot.kind)] += 1.0;
      paired = slot.with_next;
      out.pairs = out.pairs || slot.with_next;
      if (!backward && slot.kind == PassKind::forward && !slot.with_next) chunk.in_flight += 1.0;
      if (!backward && slot.kind != PassKind::forward) stage.first_backward_piece = chunk.piece;
      backward = backward || slot.kind != PassKind::forward;
    }
    const auto piece = [&](const strategies::PassSlot& slot) {
      return stage.chunks[static_cast<std::size_t>(slot.chunk)].piece;
    };
    add_beginning(stage, slots);
    stage.first_piece = piece(slots.front());
    const PassKind last = slots.back().kind;
    if (last == PassKind::backward || last == PassKind::backward_input) {
      stage.last_piece = piece(slots.back());
    }
    out.stages.push_back(std::move(stage));
  }
  return out;
}

SearchBounds::Prepared& SearchBounds::prepare(const SearchCore& core, const Scenario& scenario) {
  if (prepared_.valid && prepared_.core.values == core.values &&
      prepared_.fleet == prices_.fleet()) {
    return prepared_;
  }
  prepared_.core = core;
  prepared_.fleet = prices_.fleet();
  prepared_.table = units_.of(core, scenario);
  prepared_.facts = &facts(scenario);
  prepared_.pieces = piece_costs(*prepared_.table, scenario);
  for (auto& pieces : prepared_.gathered) pieces.clear();
  for (auto& peaks : prepared_.early_peaks) peaks.clear();
  prepared_.layouts.clear();
  prepared_.passes.clear();
  prepared_.tails.clear();
  prepared_.valid = true;
  return prepared_;
}

double SearchBounds::least_time(const Prepared& prepared, const Scenario& scenario) const {
  double most = 0.0;
  std::vector<double> filled{0.0};  // forwards of the pieces before each
  std::vector<double> drained{0.0};
  filled.reserve(prepared.pieces.size() + 1);
  drained.reserve(prepared.pieces.size() + 1);
  for (const PassCosts& piece : prepared.pieces) {
    filled.push_back(filled.back() + piece.time[kForward]);
    drained.push_back(drained.back() + hand_back(piece));
  }
  for (const StageFacts& stage : prepared.facts->stages) {
    double time = filled[static_cast<std::size_t>(stage.first_piece)];
    double beside_forward = 0.0, beside_backward = 0.0, beside_busy = 0.0;
    for (const ChunkFacts& chunk : stage.chunks) {
      const PassCosts& piece = prepared.pieces[static_cast<std::size_t>(chunk.piece)];
      for (std::size_t k = 0; k < kPassKinds; ++k) {
        time += chunk.passes[k] * piece.time[k];
        (k == kForward ? beside_forward : beside_backward) += chunk.paired[k] * piece.time[k];
        beside_busy += chunk.paired[k] * piece.busy[k];
      }
    }
    time += std::max({beside_forward, beside_backward, beside_busy});
    if (stage.last_piece >= 0) time += drained[static_cast<std::size_t>(stage.last_piece)];
    most = std::max(most, time);
  }
  return (most + host_time(scenario)) * kBoundSlack;
}

double SearchBounds::stage_memory(const Prepared& prepared, const Scenario& scenario,
                                  const strategies::Plan& plan, std::size_t stage) const {
  const StageFacts& facts = prepared.facts->stages[stage];
  double activations = 0.0;
  for (const ChunkFacts& chunk : facts.chunks) {
    activations += chunk.in_flight * prepared.pieces[static_cast<std::size_t>(chunk.piece)].kept;
  }
  activations +=
      prepared.pieces[static_cast<std::size_t>(facts.first_backward_piece)].first_backward_peak;
  return states(prepared, memory_context(scenario, plan), stage) + std::max(0.0, activations);
}

double SearchBounds::states(const Prepared& prepared, const strategies::StepContext& context,
                            std::size_t stage) const {
  strategies::ParameterSet parameters;
  for (const ChunkFacts& chunk : prepared.facts->stages[stage].chunks) {
    const PassCosts& piece = prepared.pieces[static_cast<std::size_t>(chunk.piece)];
    parameters.dense += static_cast<std::int64_t>(piece.dense);
    parameters.expert += static_cast<std::int64_t>(piece.expert);
  }
  // Some of the weights are quantised; where that takes less than 16 bits, all may be.
  const std::int64_t quantised = std::min<std::int64_t>(
      0, strategies::quantised_weight_bytes(context, parameters.dense + parameters.expert));
  const sim::Bytes held = strategies::parameter_memory(context, parameters) +
                          sim::Bytes{quantised} +
                          strategies::standing_gradient_memory(context, parameters) +
                          strategies::optimizer_memory(context, parameters) +
                          context.implementation->framework_workspace;
  return held.as_double();
}

double SearchBounds::driver(double allocated, const strategies::Plan& plan,
                            const Scenario& scenario) const {
  return scenarios::device_memory(sim::Bytes{static_cast<std::int64_t>(allocated)}, plan,
                                  scenario.implementation)
      .driver.as_double();
}

SearchBound SearchBounds::core(const SearchCore& core, const Scenario& scenario) {
  const Prepared& prepared = prepare(core, scenario);
  strategies::Plan plan = scenario.plan;
  plan.shard_group = plan.dp * plan.cp;
  plan.offload.optimizer = space_.most_offloaded();
  double most = 0.0;
  for (std::size_t s = 0; s < prepared.facts->stages.size(); ++s) {
    double least = 0.0;
    for (plan.zero = 0; plan.zero <= 3; ++plan.zero) {
      const double memory = stage_memory(prepared, scenario, plan, s);
      least = plan.zero == 0 ? memory : std::min(least, memory);
    }
    most = std::max(most, least);
  }
  return {least_time(prepared, scenario), driver(most, plan, scenario)};
}

}  // namespace studies
