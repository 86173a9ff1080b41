// What fp8 and fp4 recipes read, write and store: Transformer Engine's (docs/models.md, section 5).
#pragma once

#include <optional>

#include "models/device.hpp"
#include "strategies/mesh.hpp"
#include "strategies/plan.hpp"

namespace strategies {

// Times a cast reads the 16-bit tensor.
double cast_passes(const Training& training);
// Kernels that a cast of one tensor takes.
int cast_kernels(const Training& training);
// Whether one kernel casts the tensors of all experts.
bool casts_together(const Training& training, bool drops_to_capacity);
// Layouts a cast writes, and that weights are held in: rows, and columns where they differ.
double cast_copies(const Training& training, const models::Device& device);
// Of scales, an element.
double scale_bytes(const Training& training);
bool swizzles_scales(const Training& training);
// An element of one layout, with its scales.
double quantised_element_bytes(const Training& training);
// The ranks that agree on the maxima of fp8 tensors; none where each keeps its own, or where scales
// are not those of earlier maxima.
std::optional<GroupKind> amax_group(const Training& training);

}  // namespace strategies
