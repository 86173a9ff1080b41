// Everything a strategy may look at while it writes a step.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "models/device.hpp"
#include "models/model.hpp"
#include "strategies/cost_table.hpp"
#include "strategies/plan.hpp"
#include "strategies/schedule.hpp"

namespace strategies {

// A layer, the embedding, or the head: what chunks are made of.
struct Unit {
  const UnitCost* cost = nullptr;
  std::int32_t layer = -1;  // index in the model; -1 for embedding and head
};

struct Chunk {
  std::int64_t piece = 0;  // index among all pieces of the model
  std::vector<Unit> units;
  std::int64_t tied_parameters = 0;  // second copy of an embedding that another stage holds
  std::int64_t dense_parameters() const;
  std::int64_t expert_parameters() const;
};

class Plugin;

struct StepContext {
  const models::Model* model = nullptr;
  const models::Device* device = nullptr;
  const Training* training = nullptr;
  const Plan* plan = nullptr;
  const Implementation* implementation = nullptr;
  const CostTable* costs = nullptr;
  const PipelineSchedule* schedule = nullptr;
  std::vector<std::shared_ptr<const Plugin>> plugins;  // add strategies behind the built-in ones
  std::int64_t stage = 0;
  std::vector<Chunk> chunks;  // of this stage
  std::int64_t micro_batches = 1;
  std::int64_t expert_domains = 1;  // NVLink domains that an expert-parallel group spans

  std::int64_t pieces() const { return plan->pp * plan->vpp; }
  std::int64_t data_parallel() const {
    return plan->dp * plan->cp;
  }  // replicas of dense parameters
  std::int64_t expert_data_parallel() const {
    return plan->tp * plan->cp * plan->dp / (plan->ep * plan->etp);
  }
  // Ranks one sharded copy of the expert parameters is spread over.
  std::int64_t expert_shard_group() const;
  bool holds_first_piece() const;
  bool holds_last_piece() const;
};

// Whether the last piece of the model needs the word embedding, too: as its output projection, or
// to embed the next token for multi-token prediction (DeepSeek-V3, arXiv 2412.19437 §2.2).
bool embedding_at_both_ends(const models::Transformer& model);

// Elements of the word embedding on this rank, padded: what a second copy of it holds.
std::int64_t tied_embedding_parameters(const models::Transformer& model, const Plan& plan,
                                       const Implementation& implementation);

std::int64_t micro_batch_count(const Training& training, const Plan& plan);

// The pieces of the model on one stage, with layers as plan.layers_of_chunk says.
std::vector<Chunk> chunks_of_stage(const models::Model& model, const Plan& plan,
                                   const PipelineSchedule& schedule, const CostTable& costs,
                                   const Implementation& implementation, std::int64_t stage);

}  // namespace strategies
