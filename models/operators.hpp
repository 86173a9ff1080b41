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
  act,
  alternate_mm,  // every second matrix product of a layer: key, output and up projections
  residual_norm  // a norm with the residual sum before it; its output stays (InternEvo)
};

// A set of modules, one bit each.
using Modules = std::uint16_t;
constexpr Modules module_bit(Module module) {
  return module == Module::none ? Modules{0} : static_cast<Modules>(1U << unsigned(module));
}

struct Work {
  sim::Flops flops;
  sim::Bytes traffic;
  std::int64_t m = 0, n = 0, k = 0, batch = 1;  // GEMM shape: (m x k) . (k x n), `batch` of them
  std::int64_t value_dim = 0;  // fused attention: of a value head; k is that of a key head
  std::int64_t parts = 1;      // fused attention: kernels, each over its part of the keys
  double output_bytes = 2.0;   // GEMM: moved per output element, both ways where it accumulates
  int kernels = 0;             // launches; 0 = there is no such pass
  // What issuing them takes the host, in launches from Python, where that is not one a kernel:
  // loops of C++ over the experts.
  int issued = 0;

  int host_launches() const { return issued > 0 ? issued : kernels; }
};

struct Operator {
  const char* name = "";
  OpKind kind = OpKind::elementwise;
  Region region = Region::embedding;
  Module module = Module::none;  // the largest module it is part of
  // All modules it is part of (the activation of a dense MLP: mlp and act). Recomputing any of them
  // runs `forward` again.
  Modules modules = 0;
  bool expert = false;     // its parameters belong to the expert-parallel part of the model
  bool quantised = false;  // its parameters are cast to fp8 or fp4 before they are used
  Work forward;
  Work backward_data;
  Work backward_weight;
  std::int64_t parameters = 0;  // on this rank
  // Kept from forward to backward. `saved_input` is what a recomputation of this operator's module
  // would start from; `saved_internal` is what that recomputation makes needless to keep.
  // A tensor that two operators need is counted at the first of them that keeps it.
  sim::Bytes saved_input;
  sim::Bytes saved_internal;
  // Modules whose recomputation frees each part: `saved_input` goes when its producer is recomputed
  // (a norm's output under `layernorm`), `saved_internal` with the operator's own module.
  Modules input_freed_by = 0;
  Modules internal_freed_by = 0;
  sim::Bytes workspace;  // temporary while its backward runs: gradients of its output and input
  // Kept between the two halves of a backward that is split: its input and its output's gradient
  // (32 s b h a GPT layer: Qi et al., arXiv 2401.10241, table 1).
  sim::Bytes kept_for_weight;
};

// Whether recomputing these modules runs the operator's forward again in backward.
constexpr bool is_recomputed(const Operator& op, Modules recomputed) {
  return (op.modules & recomputed) != 0;
}

// What the operator keeps when these modules are recomputed. Full recomputation of a layer keeps
// only its input: `saved_input` of the layer's first operator.
constexpr sim::Bytes saved_bytes(const Operator& op, Modules recomputed = 0) {
  sim::Bytes total;
  if ((op.input_freed_by & recomputed) == 0) total += op.saved_input;
  if ((op.internal_freed_by & recomputed) == 0) total += op.saved_internal;
  return total;
}

// What one rank holds of a layer for one micro-batch.
struct Shard {
  std::int64_t micro_batch = 1;
  std::int64_t seq_len = 0;  // of the whole sequence
  std::int64_t tp = 1;
  bool sequence_parallel = false;
  std::int64_t cp = 1;        // tokens per rank: micro_batch * seq_len / cp
  std::int64_t cp_ring = 1;   // parts in which keys and values come, each with a kernel of its own
  std::int64_t cp_heads = 1;  // of these ranks so many share out heads instead of the sequence
  std::int64_t ep = 1;
  std::int64_t etp = 1;
  double cast_passes = 1.0;      // fp8, fp4: times a cast reads its 16-bit operand
  double cast_copies = 2.0;      // fp8, fp4: layouts it writes, as it is and transposed
  double scale_bytes = 0.0;      // fp8, fp4: of scales, an element
  int cast_kernels = 1;          // fp8, fp4: that a cast of one tensor takes
  bool casts_together = false;   // fp8, fp4: all experts' tensors are cast by one kernel
  bool swizzled_scales = false;  // fp8, fp4: products want scales in an order of their own
  bool row_scales = false;       // fp8: a scale a row and column instead of one a tensor
  double gradient_bytes = 4.0;   // an element of the accumulated weight gradients
  std::int64_t loss_chunks = 1;  // logits exist for one part of the tokens at a time
  bool exchange_routes = false;  // the exchange sends each token where it belongs (DeepEP)
  double dispatch_bytes = 2.0;   // an element of a dispatched token
  double expert_load = 1.0;      // tokens at this rank's experts against the balanced share
  Precision precision = Precision::bf16;
  SavedFormat saved_activation_input = SavedFormat::native;  // of GELU, SwiGLU
  SavedFormat saved_attention_output = SavedFormat::native;
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
// The loss's saved_internal is the logits as the kernel profile keeps them (16-bit when fused,
// 16-bit and fp32 when not); an implementation that states its own bytes per logit replaces that
// number.
std::vector<Operator> head_operators(const Transformer& model, const Shard& shard,
                                     const KernelProfile& kernels, std::int64_t vocab_multiple);
// What a multi-token-prediction layer runs before its transformer layer: two norms, and the
// projection of embedding and hidden state together (DeepSeek-V3, arXiv 2412.19437, section 2.2).
// It embeds the next token first. After the layer it runs head_operators again; the weights of both
// are those of the main model.
std::vector<Operator> mtp_operators(const Transformer& model, const Shard& shard,
                                    const KernelProfile& kernels);
// Operator lists are not sharded by tp or cp: every rank runs its whole micro-batch.
std::vector<Operator> block_operators(const OperatorList::Block& block, const Shard& shard,
                                      const KernelProfile& kernels);

// Rows in the products of this rank's experts, whole ones for each expert, over those of balanced
// experts. REQUIRES: the model has experts.
double expert_work_over_mean(const Transformer& model, const Shard& shard);

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
