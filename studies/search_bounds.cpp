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
constexpr auto kInput = static_cast<std::size_t>(PassKind::backward_input);

// The least a backward of a piece takes before the piece below can go on. Beside another pass it
// takes no less than alone.
double hand_back(const PassCosts& piece) {
  return std::min(piece.time[kBackward], piece.time[kInput]);
}

}  // namespace

std::vector<PassCosts> piece_costs(const UnitTable& table, const Scenario& scenario) {
  const strategies::Plan& plan = scenario.plan;
  const models::Transformer* transformer = scenario.model.transformer();
  std::vector<PassCosts> out;
  std::size_t layer = 0;
  for (std::size_t piece = 0; piece < plan.layers_of_chunk.size(); ++piece) {
    const auto next = layer + static_cast<std::size_t>(plan.layers_of_chunk[piece]);
    PassCosts cost;
    if (piece == 0 && transformer != nullptr) cost += table.embedding;
    for (; layer < next; ++layer) cost += table.layer[layer];
    if (piece + 1 == plan.layers_of_chunk.size() && transformer != nullptr) {
      cost += table.head;
      for (std::int64_t extra = 0; extra < transformer->mtp_layers; ++extra) {
        cost += table.mtp;
        cost += table.layer[static_cast<std::size_t>(transformer->layers + extra)];
        cost += table.head;
      }
    }
    out.push_back(cost);
  }
  return out;
}

SearchBounds::SearchBounds(const SearchSpace& space, const sim::Machine& machine)
    : space_(space), prices_(space.base(), machine), units_(space, prices_) {}

strategies::PipelineSchedule SearchBounds::schedule_of(const Scenario& scenario) const {
  const strategies::Plan& plan = scenario.plan;
  const std::string name = plan.pp == 1 && plan.vpp == 1 ? "1f1b" : plan.schedule;
  return strategies::find_schedule(name)->generate(
      {plan.pp, plan.vpp, scenarios::micro_batches(scenario), plan.micro_batch_group});
}

const SearchBounds::ScheduleFacts& SearchBounds::facts(const Scenario& scenario) {
  const strategies::Plan& plan = scenario.plan;
  const std::string name = plan.pp == 1 && plan.vpp == 1 ? "1f1b" : plan.schedule;
  const std::int64_t micro_batches = scenarios::micro_batches(scenario);
  const auto [entry, is_new] =
      schedules_.try_emplace({name, plan.pp, plan.vpp, micro_batches, plan.micro_batch_group});
  if (!is_new) return entry->second;
  ScheduleFacts& out = entry->second;
  const strategies::PipelineSchedule schedule = schedule_of(scenario);
  for (std::int64_t s = 0; s < plan.pp; ++s) {
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
    stage.first_piece = piece(slots.front());
    const PassKind last = slots.back().kind;
    if (last == PassKind::backward || last == PassKind::backward_input) {
      stage.last_piece = piece(slots.back());
    }
    out.stages.push_back(std::move(stage));
  }
  return out;
}

const SearchBounds::Prepared& SearchBounds::prepare(const SearchCore& core,
                                                    const Scenario& scenario) {
  if (prepared_.valid && prepared_.core.values == core.values) return prepared_;
  prepared_.core = core;
  prepared_.table = &units_.of(core, scenario);
  prepared_.facts = &facts(scenario);
  prepared_.pieces = piece_costs(*prepared_.table, scenario);
  prepared_.valid = true;
  return prepared_;
}

double SearchBounds::least_time(const Prepared& prepared, const Scenario& scenario) const {
  double most = 0.0;
  std::vector<double> filled{0.0};  // forwards of the pieces before each
  std::vector<double> drained{0.0};
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
  const double host = static_cast<double>(scenario.implementation.step_host_time.count());
  return (most + host * units_.stretch(scenario)) * kBoundSlack;
}

double SearchBounds::stage_memory(const Prepared& prepared, const Scenario& scenario,
                                  const strategies::Plan& plan, std::size_t stage) const {
  const StageFacts& facts = prepared.facts->stages[stage];
  strategies::ParameterSet parameters;
  double activations = 0.0;
  for (const ChunkFacts& chunk : facts.chunks) {
    const PassCosts& piece = prepared.pieces[static_cast<std::size_t>(chunk.piece)];
    parameters.dense += static_cast<std::int64_t>(piece.dense);
    parameters.expert += static_cast<std::int64_t>(piece.expert);
    activations += chunk.in_flight * piece.kept;
  }
  activations +=
      prepared.pieces[static_cast<std::size_t>(facts.first_backward_piece)].backward_peak;
  strategies::StepContext context;
  context.training = &scenario.training;
  context.plan = &plan;
  context.implementation = &scenario.implementation;
  context.micro_batches = scenarios::micro_batches(scenario);
  const sim::Bytes states = strategies::parameter_memory(context, parameters) +
                            strategies::gradient_memory(context, parameters) +
                            strategies::optimizer_memory(context, parameters) +
                            scenario.implementation.framework_workspace;
  return states.as_double() + std::max(0.0, activations);
}

double SearchBounds::driver(double allocated, const strategies::Plan& plan,
                            const Scenario& scenario) const {
  return scenarios::device_memory(sim::Bytes{static_cast<std::int64_t>(allocated)}, plan,
                                  scenario.implementation)
      .driver.as_double();
}

double SearchBounds::variant_memory(const SearchCore& core, const Scenario& scenario) {
  const Prepared& prepared = prepare(core, scenario);
  strategies::Plan plan = scenario.plan;
  if (plan.zero == 0) plan.shard_group = plan.dp * plan.cp;
  double most = 0.0;
  for (std::size_t s = 0; s < prepared.facts->stages.size(); ++s) {
    most = std::max(most, stage_memory(prepared, scenario, plan, s));
  }
  return driver(most, plan, scenario);
}

SearchBound SearchBounds::core(const SearchCore& core, const Scenario& scenario) {
  const Prepared& prepared = prepare(core, scenario);
  strategies::Plan plan = scenario.plan;
  plan.shard_group = plan.dp * plan.cp;
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
