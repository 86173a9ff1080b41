#include "strategies/low_precision.hpp"

namespace strategies {
namespace {

bool scales_are_delayed(const Training& training) {
  return training.precision == models::Precision::fp8 && training.fp8_recipe == Fp8Recipe::delayed;
}

}  // namespace

// Passes over a tensor to cast it. Scaling by the present maximum finds that first; NVFP4 finds it
// (with and without the Hadamard transform), casts rows, and casts transformed columns. Delayed
// scaling knows its scale, MXFP8 and block scaling have theirs in the block.
double cast_passes(const Training& training) {
  if (training.precision == models::Precision::fp4) return 3.0;
  return training.fp8_recipe == Fp8Recipe::tensorwise ? 2.0 : 1.0;
}

// Current scaling clears the maximum, finds it, derives the scale and casts
// (Float8CurrentScalingQuantizer::quantize). NVFP4: as many kernels as passes.
int cast_kernels(const Training& training) {
  if (training.precision == models::Precision::fp4) return 3;
  return training.fp8_recipe == Fp8Recipe::tensorwise ? 4 : 1;
}

// Delayed scaling has such a kernel. So has what a graph of the whole step can hold when no token
// is dropped: the host does not know how many each expert got, so nothing can go through them one
// by one.
bool casts_together(const Training& training, bool drops_to_capacity) {
  const bool graph = training.cuda_graph && training.cuda_graph_experts;
  return scales_are_delayed(training) || (graph && !drops_to_capacity);
}

// Layouts a cast writes. Hopper's and Ada's fp8 products read both operands along k, so backward
// wants a transposed copy; Blackwell's read any layout (Transformer Engine's
// is_non_tn_fp8_gemm_supported), but blocks along rows and along columns have scales of their own.
double cast_copies(const Training& training, const models::Device& device) {
  const bool one_scale =
      training.fp8_recipe == Fp8Recipe::delayed || training.fp8_recipe == Fp8Recipe::tensorwise;
  const bool any_layout = device.architecture == models::Architecture::blackwell;
  return training.precision == models::Precision::fp8 && one_scale && any_layout ? 1.0 : 2.0;
}

// Bytes of scales an element: fp32 for 128 elements (Float8BlockScaling), a byte for 32 (MXFP8),
// one for 16 (NVFP4); of whole tensors and rows next to nothing.
double scale_bytes(const Training& training) {
  if (training.precision == models::Precision::fp4) return 1.0 / 16.0;
  if (training.precision != models::Precision::fp8) return 0.0;
  switch (training.fp8_recipe) {
    case Fp8Recipe::blockwise:
      return 4.0 / 128.0;
    case Fp8Recipe::mxfp8:
      return 1.0 / 32.0;
    default:
      return 0.0;
  }
}

// Whether products take scales in an order that casts do not write.
bool swizzles_scales(const Training& training) {
  if (training.precision == models::Precision::fp4) return true;
  return training.precision == models::Precision::fp8 && training.fp8_recipe == Fp8Recipe::mxfp8;
}

double quantised_element_bytes(const Training& training) {
  return models::element_bytes(training.precision) + scale_bytes(training);
}

std::optional<GroupKind> amax_group(const Training& training) {
  if (!scales_are_delayed(training)) return std::nullopt;
  switch (training.fp8_amax_reduce) {
    case AmaxReduce::replicas:
      return GroupKind::stage;
    case AmaxReduce::tensor:
      return GroupKind::replica;
    case AmaxReduce::none:
      break;
  }
  return std::nullopt;
}

}  // namespace strategies
