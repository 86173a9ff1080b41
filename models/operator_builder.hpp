// Assembles operators from sharded sizes: the part that all kinds of layer share.
//
// Internal to models/. Sizes are elements, `rows` are tokens this rank processes in the operator.
// Traffic of element-wise chains follows the kernels an implementation launches; the bytes per
// element behind each function are listed in docs/models.md.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "models/operators.hpp"

namespace models::detail {

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// What a rank handles, from the shard and the model.
struct Dims {
  double element = 2.0;           // bytes of an activation
  double operand = 2.0;           // bytes of a GEMM input kept for backward
  bool row_scales = false;        // fp8 operands have a scale a row and column
  double cast_passes = 1.0;       // over a 16-bit tensor that is cast to fp8 or fp4
  double cast_copies = 2.0;       // layouts that are written: rows, and columns where they differ
  int cast_kernels = 1;           // of one tensor
  bool casts_together = false;    // the experts' tensors in one kernel
  double swizzled = 0.0;          // bytes of scales an element that products want reordered
  double gradient = 4.0;          // bytes of an accumulated weight gradient
  std::int64_t tokens = 0;        // inside tensor-parallel regions: micro_batch * seq_len / cp
  std::int64_t rows = 0;          // outside them: tokens / tp with sequence parallelism
  std::int64_t query_rows = 0;    // of one sequence on this rank: seq_len / cp
  std::int64_t heads = 0;         // query heads on this rank
  std::int64_t kv_heads = 0;      // at least one: replicated when tp > kv_heads
  double score_share = 1.0;       // of the score rectangle query_rows x seq_len that is computed
  double activation_input = 2.0;  // bytes an input of GELU or SwiGLU is kept in
  double attention_output = 0.0;  // bytes attention's output is kept in; 0: as its readers want it
  bool low_precision = false;     // GEMM inputs are cast to fp8 or fp4
  bool reads_gathered = false;    // column-parallel inputs are gathered over tp first
};
Dims dims_of(const Transformer& model, const Shard& shard);

// Whole operators, for which only sizes differ.
struct Linear {
  const char* name = "";
  Region region = Region::mlp_in;
  Modules modules = 0;
  std::int64_t rows = 0;
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::int64_t groups = 1;          // grouped GEMM: weights of this many experts, rows in total
  std::int64_t input_elements = 0;  // kept for the weight gradient; 0: another operator keeps them
  double input_bytes = 0.0;         // an element of it; 0: as the product reads it
  Modules input_freed_by = 0;
  bool input_internal = false;  // the input is made inside the module: recomputation frees it
  bool cast = true;             // follows fp8/fp4 recipes
  bool cast_input = true;       // false: the input comes quantised
  bool cast_gradient = true;    // false: the output's gradient does
  bool new_input = true;  // false: an earlier projection reads the same, a compiler casts it once
  bool gathered_input = false;  // backward holds the gathered input again
  bool bias = false;
  bool weights = true;  // false: tied, counted elsewhere
  bool expert = false;
};

struct Streamed {  // element-wise and norm-like operators
  const char* name = "";
  OpKind kind = OpKind::elementwise;
  Region region = Region::mlp_in;
  Modules modules = 0;
  double elements = 0.0;
  double forward_bytes = 0.0;   // per element
  double backward_bytes = 0.0;  // per element
  int forward_kernels = 1;
  int backward_kernels = 1;
};

class OperatorBuilder {
 public:
  OperatorBuilder(const Dims& dims, const KernelProfile& kernels)
      : dims_(dims), kernels_(kernels) {}

  // A GEMM with weights; appends the cast and bias-gradient kernels it needs. Where gradients are
  // added up by a kernel of their own, strategies/ charges it: it knows how many there are to add.
  void linear(const Linear& spec);
  // Returned reference is valid until the next operator is added.
  Operator& streamed(const Streamed& spec);
  void add(const Operator& op) { operators_.push_back(op); }
  std::size_t size() const { return operators_.size(); }
  Operator& at(std::size_t index) { return operators_[index]; }
  // `rows` vectors of `features`; keeps its input.
  Operator& norm(const char* name, Region region, Norm kind, std::int64_t rows,
                 std::int64_t features);
  // GELU or SwiGLU over `rows` vectors of `ffn`; keeps its input.
  Operator& activation(Region region, Modules modules, bool gated, std::int64_t rows,
                       std::int64_t ffn);
  // Casts `elements` down to `kept` bytes each to be kept, and up again in backward, if that is
  // less than they are computed with.
  void store(Region region, double elements, double kept);
  // Bias, dropout and residual addition; backward sums the two branches' gradients.
  Operator& residual(const char* name, Region region, std::int64_t hidden, bool bias);
  // An activation output or norm output is rebuilt by compiled code instead of being kept.
  bool keeps_cheap_outputs() const { return !kernels_.compiled; }

  const Dims& dims() const { return dims_; }
  const KernelProfile& kernels() const { return kernels_; }
  std::vector<Operator> take() { return std::move(operators_); }

 private:
  void cast(const Linear& spec);
  void swizzle(const Linear& spec, Operator& cast) const;
  void add_gradient_kernels(const Linear& spec);

  Dims dims_;
  KernelProfile kernels_;
  std::vector<Operator> operators_;
};

Work gemm_work(std::int64_t m, std::int64_t n, std::int64_t k, std::int64_t batch,
               double operand_bytes, double output_bytes);

// Parts of a layer, in order of execution.
void add_attention(OperatorBuilder& builder, const Transformer& model, const Shard& shard);
void add_mla(OperatorBuilder& builder, const Transformer& model, const Shard& shard);
void add_attention_core(OperatorBuilder& builder, const Transformer& model, const Shard& shard);
void add_shared_expert(OperatorBuilder& builder, const Transformer& model, const Shard& shard);
void add_mlp(OperatorBuilder& builder, const Transformer& model, const Shard& shard);
void add_moe(OperatorBuilder& builder, const Transformer& model, const Shard& shard);

}  // namespace models::detail
