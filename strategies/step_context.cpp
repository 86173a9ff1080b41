#include "strategies/step_context.hpp"

#include <algorithm>
#include <numeric>

#include "sim/contracts.hpp"

namespace strategies {

std::int64_t Chunk::dense_parameters() const {
  std::int64_t sum = tied_parameters;
  for (const Unit& unit : units) sum += unit.cost->dense_parameters;
  return sum;
}

std::int64_t Chunk::expert_parameters() const {
  std::int64_t sum = 0;
  for (const Unit& unit : units) sum += unit.cost->expert_parameters;
  return sum;
}

std::int64_t StepContext::expert_shard_group() const {
  // Experts have fewer replicas; a sharded copy spans as many of them as its group reaches.
  return std::gcd(plan->shard_group, std::max<std::int64_t>(1, expert_data_parallel()));
}

bool StepContext::holds_first_piece() const {
  return std::any_of(chunks.begin(), chunks.end(), [](const Chunk& c) { return c.piece == 0; });
}

bool StepContext::holds_last_piece() const {
  return std::any_of(chunks.begin(), chunks.end(),
                     [&](const Chunk& c) { return c.piece == pieces() - 1; });
}

bool embedding_at_both_ends(const models::Transformer& model) {
  return model.tied_embeddings || model.mtp_layers > 0;
}

std::int64_t tied_embedding_parameters(const models::Transformer& model, const Plan& plan,
                                       const Implementation& implementation) {
  const std::int64_t multiple = implementation.vocab_multiple;
  const std::int64_t unit = multiple * plan.tp;
  return (model.vocab + unit - 1) / unit * multiple * model.hidden;
}

std::int64_t micro_batch_count(const Training& training, const Plan& plan) {
  return training.global_batch / (plan.dp * training.micro_batch);
}

namespace {

// Multi-token-prediction layers where the plan wants them, and the heads on the last piece; each
// such layer is followed by its head there, or leaves its output to it.
void add_ends(Chunk& chunk, const models::Transformer& model, const CostTable& costs,
              std::int64_t pieces, std::int64_t mtp_piece) {
  const bool last = chunk.piece == pieces - 1;
  const bool apart = mtp_piece >= 0 && mtp_piece < pieces - 1;
  if (last) chunk.units.push_back({&costs.head(), -1});
  for (std::int64_t extra = 0; extra < model.mtp_layers; ++extra) {
    const std::int64_t layer = model.layers + extra;
    if (apart ? chunk.piece == mtp_piece : last) {
      chunk.units.push_back({&costs.mtp(), -1});
      chunk.units.push_back({&costs.layer(layer), static_cast<std::int32_t>(layer)});
    }
    if (last) chunk.units.push_back({&costs.mtp_head(), -1});
  }
}

}  // namespace

std::vector<Chunk> chunks_of_stage(const models::Model& model, const Plan& plan,
                                   const PipelineSchedule& schedule, const CostTable& costs,
                                   const Implementation& implementation, std::int64_t stage) {
  std::vector<std::int64_t> first_layer{0};
  for (std::int64_t layers : plan.layers_of_chunk)
    first_layer.push_back(first_layer.back() + layers);
  const std::int64_t pieces = plan.pp * plan.vpp;
  SIM_EXPECTS(static_cast<std::int64_t>(plan.layers_of_chunk.size()) == pieces,
              "one layer count per piece of the model");
  const models::Transformer* transformer = model.transformer();
  std::vector<Chunk> out;
  bool has_embedding = false;
  const std::int64_t chunks = schedule.chunks_of_stage();
  for (std::int64_t c = 0; c < chunks; ++c) {
    if (schedule.piece_of(stage, c) == 0 && transformer) has_embedding = true;
  }
  for (std::int64_t c = 0; c < chunks; ++c) {
    Chunk chunk;
    chunk.piece = schedule.piece_of(stage, c);
    const auto piece = static_cast<std::size_t>(chunk.piece);
    if (chunk.piece == 0 && transformer) {
      chunk.units.push_back({&costs.embedding(), -1});
    }
    for (std::int64_t layer = first_layer[piece]; layer < first_layer[piece + 1]; ++layer) {
      chunk.units.push_back({&costs.layer(layer), static_cast<std::int32_t>(layer)});
    }
    if (transformer) {
      add_ends(chunk, *transformer, costs, pieces, plan.mtp_piece);
      const bool copies = chunk.piece == pieces - 1 && embedding_at_both_ends(*transformer);
      if (copies && !has_embedding) {
        chunk.tied_parameters = tied_embedding_parameters(*transformer, plan, implementation);
      }
    }
    out.push_back(std::move(chunk));
  }
  return out;
}

}  // namespace strategies
