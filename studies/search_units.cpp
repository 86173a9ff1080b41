#include "studies/search_units.hpp"

#include <algorithm>
#include <map>

#include "scenarios/problems.hpp"
#include "scenarios/simulated_step.hpp"
#include "strategies/saved.hpp"
#include "strategies/step.hpp"

namespace studies {
namespace {

using scenarios::Scenario;
using strategies::PassKind;

// Dimensions that change the price of a unit only through the shapes of groups.
bool only_lays_out(const std::string& path) {
  for (const char* other :
       {"strategy.pp", "strategy.vpp", "strategy.schedule", "strategy.dp", "strategy.rank_order",
        "strategy.pp_layout.embedding_as_layer", "training.global_batch",
        "strategy.micro_batch_group", "strategy.max_in_flight"}) {
    if (path == other) return true;
  }
  return false;
}

// To remember: cores with the same inner dimensions have a few thousand, of about 30 KB each.
constexpr std::size_t kMostTables = 10'000;

// Recomputation of some layers of a chunk only: a unit alone does not know whether it is one.
bool uneven_recompute(const strategies::RecomputePlan& plan) {
  return plan.mode == strategies::Recompute::full && (plan.layers > 0 || plan.every > 1);
}

// The most that buffers and activations grow over their start, and where they end.
struct Growth {
  double peak = 0.0, end = 0.0;
};
Growth growth(const strategies::Program& program) {
  Growth out;
  for (const strategies::MemoryEvent& event : program.memory_events()) {
    if (event.category == sim::MemoryCategory::activations ||
        event.category == sim::MemoryCategory::buffers) {
      out.end += static_cast<double>(event.bytes);
      out.peak = std::max(out.peak, out.end);
    }
  }
  return out;
}

}  // namespace

PassCosts& PassCosts::operator+=(const PassCosts& next) {
  for (std::size_t k = 0; k < kPassKinds; ++k) {
    time[k] += next.time[k];
    busy[k] += next.busy[k];
  }
  forward_peak = std::max(forward_peak, kept + next.forward_peak);
  first_backward_peak = next.first_backward_peak;
  backward_peak = std::max(next.backward_peak, backward_peak - next.kept);
  kept += next.kept;
  dense += next.dense;
  expert += next.expert;
  offloaded += next.offloaded;
  offloaded_last = next.offloaded_last;
  copies += next.copies;
  return *this;
}

UnitTables::UnitTables(const SearchSpace& space, QuietPrices& prices)
    : space_(space), prices_(prices) {}

UnitTables::Key UnitTables::key_of(const SearchCore& core, const Scenario& scenario,
                                   const GroupShapes& shapes) const {
  Key key{};
  const auto& rows = space_.core_dimensions();
  for (std::size_t d = 0; d < rows.size(); ++d) {
    if (!only_lays_out(rows[d].path)) key[d] = core.values[d];
  }
  for (std::size_t k = 0; k < shapes.size(); ++k) key[kMostCoreDimensions + k] = shapes[k];
  // One micro-batch alone has no gradients to add to.
  const bool sums = scenarios::micro_batches(scenario) > 1;
  key.back() = 2 * scenario.plan.world_size() + (sums ? 1 : 0);
  return key;
}

// The slowest rank is this much slower than the mean; noise may make the one a bound looks at three
// deviations faster (strategies/fleet.cpp).
double UnitTables::stretch(const Scenario& scenario) const {
  return scenarios::slowest_of(scenario) * std::max(0.0, 1.0 - 3.0 * scenario.faults.jitter);
}

strategies::Program UnitTables::emit(const Scenario& scenario, const UnitTable& table,
                                     const strategies::Plan& plan,
                                     std::vector<strategies::Chunk> chunks,
                                     std::vector<strategies::PassSlot> slots, Of of) {
  strategies::PipelineSchedule schedule;
  schedule.shape = {plan.pp, plan.vpp, 1, 0};
  schedule.stages.resize(static_cast<std::size_t>(plan.pp));
  schedule.stages.front() = std::move(slots);
  strategies::StepContext context;
  context.model = &scenario.model;
  context.device = &scenario.device;
  context.training = &table.training;
  context.plan = &plan;
  context.implementation = of == Of::last ? &table.implementation : &table.any_pass;
  context.costs = table.costs.get();
  context.schedule = &schedule;
  context.chunks = std::move(chunks);
  context.micro_batches = 1;
  return strategies::emit_step(context);
}

PassCosts UnitTables::measure(const UnitTable& table, const Scenario& scenario,
                              const strategies::Unit& unit, const GroupShapes& shapes) {
  PassCosts out;
  strategies::UnitCost every_pass = *unit.cost;
  every_pass.weight_cast = {};  // once a step only
  const std::vector chunks{strategies::Chunk{0, {{&every_pass, unit.layer}}, 0}};
  for (std::size_t k = 0; k < kPassKinds; ++k) {
    const auto kind = static_cast<PassKind>(k);
    const auto program = emit(scenario, table, table.plan, chunks, {{kind, 0, 0}}, Of::any);
    const ProgramTimes times = time_program(program, shapes, prices_, stretch(scenario));
    out.time[k] = times.passes;
    out.busy[k] = times.busy;
    const Growth memory = growth(program);
    if (kind == PassKind::forward) {
      out.kept = std::max(0.0, memory.end);
      out.forward_peak = memory.peak;
    }
    if (kind == PassKind::backward) out.first_backward_peak = out.backward_peak = memory.peak;
  }
  // What is offloaded leaves after the forward and is back for the backward.
  strategies::StepContext context;
  context.plan = &scenario.plan;
  context.training = &table.training;
  const sim::Bytes all{static_cast<std::int64_t>(out.kept)};
  out.kept = strategies::stays_on_device(context, all).as_double();
  out.forward_peak -= (all - strategies::stays_on_device(context, all)).as_double();
  const sim::Bytes copied = strategies::kept_for_backward(context, chunks.front(), 0);
  const double moved = (copied - strategies::stays_on_device(context, copied)).as_double();
  if (uneven_recompute(scenario.training.recompute)) {
    out.kept = out.forward_peak = out.first_backward_peak = out.backward_peak = 0.0;
  } else if (moved > 0.0) {
    out.offloaded = out.offloaded_last = moved;
    out.copies = 1;
  }
  out.dense = static_cast<double>(unit.cost->dense_parameters);
  out.expert = static_cast<double>(unit.cost->expert_parameters);
  return out;
}

void UnitTables::fill(UnitTable& table, const Scenario& scenario, const GroupShapes& shapes) {
  table.training = scenario.training;
  // A pass reduces its maxima once, whatever its units: it can only make the pass longer.
  table.training.fp8_amax_reduce = strategies::AmaxReduce::none;
  table.implementation = scenario.implementation;
  table.implementation.optimizer_temporaries = 0.0;
  table.any_pass = table.implementation;
  table.any_pass.reduce_copy_bytes = 0.0;
  if (uneven_recompute(table.training.recompute)) {
    table.training.recompute.mode = strategies::Recompute::none;
  }
  table.plan = scenario.plan;
  table.plan.pp = table.plan.vpp = table.plan.dp = table.plan.shard_group = 1;
  table.plan.zero = 0;
  table.plan.secondary_shard = table.plan.gather_group = 0;
  table.plan.reshard_after_forward = true;
  // The same for all variants: context parallelism alone has gradients to reduce, too, but after
  // the passes, without copies into buckets among them.
  table.plan.grad_reduce = strategies::GradReduce::step;
  table.plan.overlap.grad_reduce = false;
  table.plan.overlap.param_gather = table.plan.overlap.p2p = true;
  table.plan.schedule = "1f1b";
  table.plan.offload = {};  // copies beside the passes can only make them longer
  table.replicated = table.plan;
  table.replicated.dp = scenario.plan.dp;
  table.costs = std::make_unique<strategies::CostTable>(
      scenario.model, scenario.device, table.training, table.replicated, scenario.implementation);
  table.hidden_state = static_cast<double>(table.costs->hidden_state().count());
  std::map<const strategies::UnitCost*, PassCosts> known;
  const auto cost = [&](const strategies::UnitCost& unit, std::int32_t layer) {
    const auto [entry, is_new] = known.try_emplace(&unit);
    if (is_new) {
      entry->second = measure(table, scenario, {&unit, layer}, shapes);
      table.unit_numbers.emplace(&unit, units_made_++);
    }
    return entry->second;
  };
  if (const models::Transformer* transformer = scenario.model.transformer()) {
    table.embedding = cost(table.costs->embedding(), -1);
    table.head = cost(table.costs->head(), -1);
    if (transformer->mtp_layers > 0) {
      table.mtp = cost(table.costs->mtp(), -1);
      table.mtp_head = cost(table.costs->mtp_head(), -1);
    }
  }
  PassCosts sum;
  for (std::int64_t i = 0; i < table.costs->layer_count(); ++i) {
    table.layer.push_back(cost(table.costs->layer(i), static_cast<std::int32_t>(i)));
    table.before_layer.push_back(sum);
    sum += table.layer.back();
  }
  table.before_layer.push_back(sum);
}

UnitTables::TablePtr UnitTables::of(const SearchCore& core, const Scenario& scenario) {
  const GroupShapes& shapes = prices_.inner_shapes(scenario.plan);
  const Key key = key_of(core, scenario, shapes);
  const auto known = tables_.find(key);
  if (known != tables_.end()) return known->second;
  if (tables_.size() == kMostTables) tables_.clear();
  const auto table = std::make_shared<UnitTable>();
  fill(*table, scenario, shapes);
  tables_.emplace(key, table);
  return table;
}

}  // namespace studies
