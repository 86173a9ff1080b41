// Time of fused attention kernels by generation: FlashAttention-1 on Volta and Turing, 2 on Ampere,
// Ada and CDNA (and on Hopper where an implementation asks for it), 3 on Hopper, cuDNN on
// Blackwell.
//
// A block of rows walks over its keys at the device's sustained rate; its prologue, epilogue and
// the masked half of a causal diagonal count as further keys. Blocks are spread over the SMs, and
// the last ones leave SMs idle. Constants: models/fit/fit.py, see docs/models.md.
#pragma once

#include "models/cost.hpp"

namespace models::detail {

// Seconds on the device, without kernel gaps. REQUIRES: `work` of an OpKind::attention operator.
double attention_seconds(const Work& work, Pass pass, Precision precision, const Device& device,
                         const KernelProfile& kernels);

}  // namespace models::detail
