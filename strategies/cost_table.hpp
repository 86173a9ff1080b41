// What each kind of layer costs on one rank, by region: computed once a scenario, used by every
// pass of every micro-batch.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "models/cost.hpp"
#include "models/device.hpp"
#include "models/model.hpp"
#include "models/operators.hpp"
#include "sim/units.hpp"
#include "strategies/plan.hpp"

namespace strategies {

inline constexpr std::size_t kRegions = static_cast<std::size_t>(models::Region::loss) + 1;

struct PassCost {
  sim::Time time;
  int kernels = 0;
  double flops = 0.0;
};

struct RegionCost {
  bool present = false;
  PassCost forward, backward_data, backward_weight;
  PassCost recompute;  // forward work repeated before the backward, by selective recomputation
};

// An entry: a dense layer, an MoE layer, the embedding, the head, or a block of an operator list.
struct UnitCost {
  std::array<RegionCost, kRegions> regions;
  std::int64_t dense_parameters = 0;      // on this rank
  std::int64_t expert_parameters = 0;     // on this rank
  std::int64_t quantised_parameters = 0;  // of them, those cast to fp8 or fp4 before use
  std::int64_t quantised_products = 0;    // products with operands in fp8 or fp4, one an expert
  PassCost weight_cast;   // of 16-bit weights to what fp8 and fp4 products read, once a step
  sim::Bytes saved;       // kept from forward to backward, after recomputation and early frees
  sim::Bytes saved_all;   // what a full forward keeps: transient while a layer is recomputed
  sim::Bytes checkpoint;  // kept when the unit is recomputed in full: its input
  sim::Bytes workspace;   // largest temporary of any of its operators
  // The most it holds beyond `saved` (`saved_all`) while its operators run: what they keep comes in
  // forward and goes in backward one by one, each beside the temporaries of its operator.
  sim::Bytes overhang;
  sim::Bytes overhang_all;
  sim::Bytes largest_tensor;   // of what its operators keep
  sim::Bytes gathered;         // whole inputs of its column-parallel products, gathered over tp
  sim::Bytes kept_for_weight;  // from the input half of a split backward to its weight half
  // Output and input sizes of its weights, without repetition, where gradients have stand-ins.
  std::vector<std::pair<std::int64_t, std::int64_t>> stand_ins;
  bool is_layer = false;

  const RegionCost& at(models::Region region) const {
    return regions[static_cast<std::size_t>(region)];
  }
};

class CostTable {
 public:
  CostTable(const models::Model& model, const models::Device& device, const Training& training,
            const Plan& plan, const Implementation& implementation);

  const UnitCost& embedding() const { return embedding_; }
  const UnitCost& head() const { return head_; }
  const UnitCost& mtp() const { return mtp_; }  // what precedes a multi-token-prediction layer
  const UnitCost& mtp_head() const {
    return mtp_head_;
  }                                                 // what follows it: the head's weights again
  const UnitCost& layer(std::int64_t index) const;  // a layer, or a block of an operator list
  std::int64_t layer_count() const { return static_cast<std::int64_t>(layer_kind_.size()); }
  bool has_embedding() const { return has_embedding_; }

  // The activation that passes between layers: [micro_batch, seq_len / cp, hidden], not divided by
  // tp.
  sim::Bytes hidden_state() const { return hidden_state_; }
  // What a token's keys and values of one layer occupy on this rank, for all its tokens.
  sim::Bytes keys_and_values() const { return keys_and_values_; }
  // What this rank sends through one expert dispatch (or combine), before any etp gathering.
  sim::Bytes dispatched_tokens() const { return dispatched_tokens_; }
  // Queries, keys, values (before) and outputs (after attention) of this rank: Ulysses all-to-all.
  sim::Bytes queries_keys_values() const { return queries_keys_values_; }
  sim::Bytes attention_output() const { return attention_output_; }
  std::int64_t tokens() const {
    return tokens_;
  }  // of this rank and micro-batch, not divided by tp

 private:
  UnitCost unit(const std::vector<models::Operator>& operators, bool is_layer) const;
  sim::Bytes gathered_inputs(const UnitCost& unit) const;
  void hold(UnitCost& out, const models::Operator& op, models::Modules rebuilt) const;
  void cast_weights(PassCost& sum, const models::Operator& op) const;
  void accumulate(PassCost& sum, const models::Operator& op) const;
  void measure_transformer(const models::Transformer& model);

  models::Device device_;  // under training load
  const Training& training_;
  const Plan& plan_;
  const Implementation& implementation_;
  models::KernelProfile kernels_;
  models::Shard shard_;
  UnitCost embedding_;
  UnitCost head_;
  UnitCost mtp_;
  UnitCost mtp_head_;
  std::vector<UnitCost> layers_;           // one per distinct kind
  std::vector<std::uint32_t> layer_kind_;  // per layer: index into layers_
  bool has_embedding_ = false;
  double mean_of_busiest_ = 1.0;  // FLOPs of attention: mean over the busiest context rank's
  double busiest_experts_ = 1.0;  // FLOPs of experts: the busiest rank's over the mean
  std::int64_t tokens_ = 0;
  sim::Bytes hidden_state_, keys_and_values_, dispatched_tokens_;
  sim::Bytes queries_keys_values_, attention_output_;
};

}  // namespace strategies
