// Time of the optimizer step on one rank, from the bytes its passes move.
//
// The update reads the gradient and every state, writes the states and the parameter: AdamW on
// 16-bit parameters with fp32 master weights and moments is 4 + 2 x 12 + 2 = 30 bytes a parameter.
// Around it, as in Megatron-Core and PyTorch, the gradients held are cleared and averaged, and
// those clipped (of the updated parameters, or all) are read for the norm and scaled.
#pragma once

#include <cstdint>

#include "models/device.hpp"
#include "models/kernels.hpp"
#include "sim/units.hpp"

namespace models {

struct OptimizerWork {
  std::int64_t parameters = 0;   // that this rank updates (its shard)
  std::int64_t gradients = 0;    // gradient elements this rank holds and clears
  std::int64_t clipped = 0;      // gradient elements that enter the norm here and are scaled
  double state_bytes = 12.0;     // per updated parameter: master copy and moments
  double gradient_bytes = 4.0;   // an element of the accumulated gradients
  double parameter_bytes = 2.0;  // an element of the parameters used in forward
  bool master_weights = true;    // a copy in `state_bytes` is updated and cast down; else in place
  bool averages = true;          // one pass divides gradients by the data-parallel size
  std::int64_t tensors = 300;    // parameter tensors: decides launches
};

struct OptimizerCost {
  sim::Time time;
  int kernels = 0;
};

// Bytes read and written per updated parameter by the update alone.
double optimizer_update_bytes(const OptimizerWork& work);
// Bytes read and written by all of its passes.
double optimizer_bytes(const OptimizerWork& work, const KernelProfile& kernels);
OptimizerCost optimizer_cost(const OptimizerWork& work, const Device& device,
                             const KernelProfile& kernels);

}  // namespace models
