// Where a rank's memory comes from: the states by ZeRO stage, activations in flight, and what the
// simulation of the fullest stage adds to them.
#include <fmt/format.h>

#include <algorithm>

#include "reports/explain.hpp"
#include "reports/text.hpp"
#include "scenarios/step_model.hpp"
#include "strategies/cost_table.hpp"
#include "strategies/schedule.hpp"
#include "strategies/states.hpp"
#include "strategies/step_context.hpp"

namespace reports {
namespace {

using sim::MemoryCategory;

ExplainedStep gib(std::string quantity, std::string formula, std::string numbers,
                  sim::Bytes value) {
  return {std::move(quantity), std::move(formula), std::move(numbers), value.gib(), "GiB"};
}

// A state of every parameter: how many of them the rank keeps, times the bytes of each. Experts are
// spread over their own replicas, of which there are fewer than of the rest.
ExplainedStep state(std::string quantity, const strategies::StepContext& context, int sharded_from,
                    double bytes, sim::Bytes value) {
  const strategies::ParameterSet set = strategies::stage_parameters(context);
  const std::int64_t ranks = context.plan->shard_group;
  const std::int64_t of_experts = context.expert_shard_group();
  const bool sharded = context.plan->zero >= sharded_from;
  if (!sharded || set.expert == 0 || ranks == of_experts) {
    const std::string over = sharded && ranks > 1 ? fmt::format(" / {}", ranks) : std::string{};
    return gib(std::move(quantity), "count × bytes" + over,
               fmt::format("{} × {}", grouped(set.dense + set.expert), bytes), value);
  }
  return gib(std::move(quantity),
             fmt::format("(dense / {} + experts / {}) × bytes", ranks, of_experts),
             fmt::format("({} / {} + {} / {}) × {}", grouped(set.dense), ranks, grouped(set.expert),
                         of_experts, bytes),
             value);
}

void add_states(std::vector<ExplainedStep>& steps, const strategies::StepContext& context) {
  const strategies::ParameterSet set = strategies::stage_parameters(context);
  const strategies::Training& training = *context.training;
  const strategies::Implementation& implementation = *context.implementation;
  steps.push_back({"parameters of the rank", "its share of its layers", "",
                   static_cast<double>(set.dense + set.expert), "parameters"});
  const double held = context.plan->zero == 3
                          ? strategies::sharded_parameter_bytes(training, implementation)
                          : strategies::parameter_bytes(training);
  steps.push_back(
      state("parameters", context, 3, held, strategies::parameter_memory(context, set)));
  const std::int64_t quantised = strategies::quantised_weights(context);
  const sim::Bytes copies{strategies::quantised_weight_bytes(context, quantised)};
  if (copies != sim::Bytes{0}) {
    steps.push_back(gib("quantised weights", "count × what their copies add",
                        fmt::format("{} × {}", grouped(quantised),
                                    copies.as_double() / static_cast<double>(quantised)),
                        copies));
  }
  steps.push_back(state("gradients", context, 2, strategies::gradient_bytes(training),
                        strategies::gradient_memory(context, set)));
  steps.push_back(state("optimizer", context, 1,
                        strategies::optimizer_bytes(training, *context.plan, implementation),
                        strategies::optimizer_memory(context, set)));
}

void add_activations(std::vector<ExplainedStep>& steps, const strategies::StepContext& context) {
  const strategies::UnitCost& layer = context.costs->layer(context.costs->layer_count() - 1);
  std::int64_t layers = 0;
  for (const strategies::Chunk& chunk : context.chunks) {
    for (const strategies::Unit& unit : chunk.units) layers += unit.cost->is_layer ? 1 : 0;
  }
  const auto chunks = static_cast<std::int64_t>(context.chunks.size());
  const std::int64_t in_flight = strategies::peak_in_flight(*context.schedule, context.stage);
  steps.push_back(
      gib("a layer keeps", "activations for its backward, one micro-batch", "", layer.saved));
  steps.push_back({"passes in flight", "(chunk, micro-batch) pairs, by the schedule", "",
                   static_cast<double>(in_flight), ""});
  steps.push_back(
      gib("activations of layers", "layers per chunk × in flight × a layer's",
          fmt::format("{}/{} × {} × {}", layers, chunks, in_flight, gib_text(layer.saved)),
          sim::Bytes::ceil(layer.saved.as_double() * static_cast<double>(in_flight) *
                           static_cast<double>(layers) /
                           static_cast<double>(std::max<std::int64_t>(chunks, 1)))));
}

void add_simulated(std::vector<ExplainedStep>& steps, const scenarios::StageMemory& stage) {
  for (std::size_t c = 0; c < sim::kMemoryCategories; ++c) {
    steps.push_back(gib(fmt::format("simulated {}", sim::kMemoryCategoryNames[c]),
                        "at the peak of the step", "", stage.categories[c]));
  }
  steps.push_back(gib("allocated", "sum (torch's max_memory_allocated)", "", stage.allocated));
  steps.push_back(gib("reserved", "with the allocator's slack", "", stage.reserved));
  steps.push_back(gib("driver", "with contexts and communicators (nvidia-smi)", "", stage.driver));
}

}  // namespace

ExplainedSection explain_memory(const scenarios::Report& report) {
  const scenarios::Scenario& scenario = report.scenario;
  ExplainedSection section{"Memory", {}};
  if (report.stages.empty()) return section;
  const scenarios::StageMemory& worst = report.stages[report.worst_stage];
  section.title = fmt::format("Memory of a rank of the fullest stage ({})", worst.stage);
  const auto model = scenarios::build_step(scenario);
  const strategies::StepContext& context = model->stages[static_cast<std::size_t>(worst.stage)];
  add_states(section.steps, context);
  add_activations(section.steps, context);
  add_simulated(section.steps, worst);
  return section;
}

}  // namespace reports
