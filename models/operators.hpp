// A layer as the operators one rank executes for one micro-batch, with real shapes after sharding.
//
// FLOPs count a multiply-add as two. `traffic` is the bytes an operator reads and writes in device
// memory. `backward_data` produces the gradient of the input, `backward_weight` that of the
// weights.
#pragma once

#include <cstdint>
#include <vector>

#include "models/kernels.hpp"
#include "models/model.hpp"
#include "models/precision.hpp"
#include "sim/units.hpp"

namespace models {

enum class OpKind : std::uint8_t {
  gemm,
  grouped_gemm,
  attention,
  norm,
  elementwise,
  embedding,
  cross_entropy,
  permute,
  conv
};

// Where in a layer an operator stands; strategies put communication between regions.
// Order of execution in forward is the order of this enum.
enum class Region : std::uint8_t {
  embedding,  // before the first layer
  attention_norm,
  attention_in,
  attention_core,
  attention_out,
  attention_residual,
  mlp_norm,
  router,
  dispatch,
  mlp_in,
  mlp_out,
  combine,
  shared_expert,
  mlp_residual,
  final_norm,
  head,
  loss  // after the last layer
};

// What selective recomputation can name.
enum class Module : std::uint8_t {
  none,
  core_attn,
  mlp,
  moe,
  layernorm,
  moe_act,
  mla_up_proj,
  act
};

struct Work {
  sim::Flops flops;
  sim::Bytes traffic;
  std::int64_t m = 0, n = 0, k = 0, batch = 1;  // GEMM shape: (m x k) . (k x n), `batch` of them
  int kernels = 0;                              // launches; 0 = there is no such pass
};

struct Operator {
  const char* name = "";
  OpKind kind = OpKind::elementwise;
  Region region = Region::embedding;
  Module module = Module::none;
  bool expert = false;  // its parameters belong to the expert-parallel part of the model
  Work forward;
  Work backward_data;
  Work backward_weight;
  std::int64_t parameters = 0;  // on this rank
  // Kept from forward to backward. `saved_input` is what a recomputation of this operator's module
  // would start from; `saved_internal` is what that recomputation makes needless to keep.
  // A tensor that two operators need is counted at the first of them that keeps it.
  sim::Bytes saved_input;
  sim::Bytes saved_internal;
  sim::Bytes workspace;  // temporary while the operator runs
};

// What one rank holds of a layer for one micro-batch.
struct Shard {
  std::int64_t micro_batch = 1;
  std::int64_t seq_len = 0;  // of the whole sequence
  std::int64_t tp = 1;
  bool sequence_parallel = false;
  std::int64_t cp = 1;  // tokens per rank: micro_batch * seq_len / cp
  std::int64_t ep = 1;
  std::int64_t etp = 1;
  double expert_load = 1.0;  // tokens at this rank's experts against the balanced share
  Precision precision = Precision::bf16;
  AttentionKernel attention = AttentionKernel::flash;
  // Part of the full score matrix this rank computes, times cp: 0.5 for balanced causal ranks.
  double attention_share = 0.5;
};

enum class LayerKind : std::uint8_t { dense, moe };

LayerKind layer_kind(const Transformer& model, std::int64_t layer);

std::vector<Operator> layer_operators(const Transformer& model, LayerKind kind, const Shard& shard,
                                      const KernelProfile& kernels);
// Vocabulary rows are split over tp, padded to a multiple of `vocab_multiple` * tp.
std::vector<Operator> embedding_operators(const Transformer& model, const Shard& shard,
                                          const KernelProfile& kernels,
                                          std::int64_t vocab_multiple);
// Final norm, output projection, loss. Tied embeddings: the projection holds no parameters here.
std::vector<Operator> head_operators(const Transformer& model, const Shard& shard,
                                     const KernelProfile& kernels, std::int64_t vocab_multiple);
std::vector<Operator> block_operators(const OperatorList::Block& block, const Shard& shard,
                                      const KernelProfile& kernels);

// Exact parameter counts of the whole model, without padding.
struct ParameterCount {
  std::int64_t total = 0;
  std::int64_t active = 0;     // touched per token (MoE: top_k experts and shared ones)
  std::int64_t embedding = 0;  // input embedding and learned positions
  std::int64_t experts = 0;    // in routed experts
};
ParameterCount count_parameters(const Model& model);

// Model FLOPs of one training step per token, by convention (docs/models.md). Backward = 2 forward.
struct ModelFlops {
  double matmul = 0.0;            // 6 per active matmul parameter (embedding look-up excluded)
  double attention_causal = 0.0;  // scores and values, half of the square when causal
  double attention_full = 0.0;    // the same without halving
  double causal() const { return matmul + attention_causal; }
  double full() const { return matmul + attention_full; }
};
ModelFlops model_flops_per_token(const Model& model, std::int64_t seq_len);

}  // namespace models
