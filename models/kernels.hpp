// How an implementation runs operators: which are fused, and what a launch costs. Part of an
// implementation profile (scenarios/catalogue/profiles/*.yaml).
#pragma once

#include <cstdint>

#include "sim/units.hpp"

namespace models {

enum class AttentionKernel : std::uint8_t { math, flash };

struct KernelProfile {
  bool fused_norm = true;        // one kernel a norm; else a chain of element-wise kernels
  bool fp32_norm_input = false;  // norms read an fp32 copy of their input (`norm(x.float())`)
  // Backward runs norms, and the residual sum before them, again in place of keeping what they
  // keep (InternEvo's dropout_selective_checkpoint); their outputs stay.
  bool norms_run_again = false;
  bool fused_softmax = true;       // math attention: mask + scale + softmax in one kernel
  bool fused_activation = true;    // bias + GELU, SwiGLU in one kernel
  bool fused_bias_dropout = true;  // bias + dropout + residual in one kernel
  bool fused_rope = true;
  bool joined_qkv_gradient = false;  // one projection, split: backward concatenates
  bool interleaved_qkv = false;      // its output lies group by group (Megatron-Core)
  double metric_bytes = 0.0;  // an element of logits, moved by training metrics beside the loss
  bool complex_rope = false;  // by complex fp32 products, which compilers leave alone (torchtitan)
  bool fp8_recast = false;    // inputs stay in 16 bits and are cast again in backward (torchao)
  bool fused_cross_entropy = true;  // no fp32 copy of the logits is materialised
  bool compiles_loss = false;       // compilation covers the loss, too: no fp32 copy either
  double logits_bytes = 2.0;  // an element of logits at the peak of the loss, all copies together
  // Queries are rotated inside the block of queries, keys and values, keys and values beside it:
  // attention keeps the whole block for its queries (nanotron, as many key heads as query heads).
  bool packed_qkv_stays = false;
  // Hidden states are (sequence, batch), attention is (batch, sequence): with several sequences the
  // output projection keeps a transposed copy of what attention keeps (nanotron).
  bool transposes_attention_output = false;
  // Where weight gradients are added in the product, backward hands autograd an empty 16-bit
  // gradient: one buffer a shape of weight, kept (Transformer Engine's get_dummy_wgrad).
  bool stand_in_gradients = false;
  bool fused_optimizer = true;        // one multi-tensor kernel
  bool separate_projections = false;  // q, k, v and gate, up are GEMMs of their own (not merged)
  bool dropout = false;               // GPT-era recipes train with dropout (mask saved, 1 byte)
  bool compiled = false;              // graph-compiled: element-wise chains fuse into one kernel
  bool weight_gradient_accumulation_fused = true;  // wgrad GEMM accumulates into fp32 directly
  bool flash_attention_2 = false;  // runs FlashAttention-2 even where newer kernels exist (Hopper)
  bool flash_attention_1 = false;  // runs the first FlashAttention's kernels (2022: CUDA, Triton)
  // Experts' tokens are copied, scaled and added up by kernels made for it (Transformer Engine);
  // else by PyTorch's sort, gathers, fp32 products and atomic sums (torchtitan), never compiled.
  bool fused_permutation = true;
  // Products of all experts are one kernel (torch._grouped_mm), not a cuBLAS call an expert.
  bool grouped_kernel = false;
  bool host_issues_experts = true;  // grouped products are issued by the host (no CUDA graph)
  sim::Time launch;                 // host time to issue one kernel (eager Python + driver)
  double gemm_factor = 1.0;         // sustained GEMM rate against the device's, with its reason
};

}  // namespace models
