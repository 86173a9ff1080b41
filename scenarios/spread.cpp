#include <algorithm>

#include "scenarios/problems.hpp"

namespace scenarios {

std::int64_t layer_count(const models::Model& model) {
  if (const models::Transformer* transformer = model.transformer()) return transformer->layers;
  return static_cast<std::int64_t>(model.operator_list()->blocks.size());
}

std::vector<std::int64_t> spread_layers(std::int64_t layers, std::int64_t chunks, Ends ends) {
  const bool count_ends = ends == Ends::count_as_layers;
  const std::int64_t total = layers + (count_ends ? 2 : 0);
  std::vector<std::int64_t> list(static_cast<std::size_t>(chunks), total / chunks);
  std::int64_t left = total % chunks;
  for (std::int64_t i = chunks - 2; i > 0 && left > 0; --i, --left) {
    ++list[static_cast<std::size_t>(i)];
  }
  if (left > 0) ++list.front();  // chunks - 1 left over: the last chunk stays the lightest
  if (count_ends) {
    --list.front();
    --list.back();
  }
  return list;
}

std::int64_t micro_batches(const Scenario& scenario) {
  return scenario.training.global_batch / (scenario.plan.dp * scenario.training.micro_batch);
}

// One rank a stage runs its layers forward and backward for each micro-batch. About ten tasks a
// layer and direction (compute pieces, collectives), two transfers a chunk and direction.
double estimated_tasks(const Scenario& scenario) {
  constexpr double per_layer = 20.0, per_chunk = 4.0;
  const auto chunks = static_cast<double>(scenario.plan.pp * scenario.plan.vpp);
  return static_cast<double>(micro_batches(scenario)) *
         (per_layer * static_cast<double>(layer_count(scenario.model)) + per_chunk * chunks);
}

}  // namespace scenarios
