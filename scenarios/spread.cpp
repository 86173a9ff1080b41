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

std::vector<std::int64_t> spread_by_parameters(const models::Transformer& model,
                                               std::int64_t stages) {
  const std::int64_t width = model.heads * model.head_dim;
  const std::int64_t matrices = model.gated_mlp ? 3 : 2;
  const std::int64_t layer = 4 * width * model.hidden + matrices * model.ffn * model.hidden;
  const std::int64_t total = layer * model.layers + model.vocab * model.hidden;
  std::vector<std::int64_t> list(static_cast<std::size_t>(stages), 0);
  std::int64_t stage = 0;
  for (std::int64_t i = 1; i <= model.layers; ++i) {
    ++list[static_cast<std::size_t>(stage)];
    if (layer * i * stages >= total * (stage + 1)) stage = std::min(stage + 1, stages - 1);
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
