// Time of fused attention kernels (FlashAttention 1, 2, 3, cuDNN) by generation.
#pragma once

#include "models/cost.hpp"

namespace models::detail {

// Seconds on the device, without kernel gaps. REQUIRES: `work` of an OpKind::attention operator.
double attention_seconds(const Work& work, Pass pass, Precision precision, const Device& device);

}  // namespace models::detail
