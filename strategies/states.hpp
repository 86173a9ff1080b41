// What parameters, gradients and optimizer states occupy on a rank, by ZeRO stage
// (arXiv 1910.02054 §3): 16-bit parameters 2 B, gradients 2 or 4 B, fp32 master copy 4 B and Adam's
// moments 8 B each parameter; stage 1 shards the optimizer, 2 the gradients too, 3 all.
#pragma once

#include <cstdint>

#include "models/precision.hpp"
#include "sim/units.hpp"
#include "strategies/step_context.hpp"

namespace strategies {

struct ParameterSet {
  std::int64_t dense = 0;  // on this rank, before sharding over data-parallel ranks
  std::int64_t expert = 0;
};

// Bytes of one stored element, by role.
double parameter_bytes(const Training& training);  // the copy that is computed with
// On the wire, where the new parameters of ZeRO-1 and 2 are gathered.
double gathered_parameter_bytes(const Training& training, const Implementation& implementation);
double sharded_parameter_bytes(const Training& training, const Implementation& implementation);
// Parameters of layers and the inputs of tensor-parallel projections travel in one byte.
bool gathers_in_fp8(const Training& training, const Implementation& implementation);
double gradient_bytes(const Training& training);  // accumulated
double gradient_wire_bytes(const Training& training, const Implementation& implementation);
double optimizer_bytes(const Training& training, const Plan& plan,
                       const Implementation& implementation);  // master copy and moments

// Held from step to step.
sim::Bytes parameter_memory(const StepContext& context, const ParameterSet& parameters);
// Weights of a stage that are cast to fp8 or fp4 before they are used.
std::int64_t quantised_weights(const StepContext& context);
// What copies of so many in fp8 or fp4 add to parameter_memory: Transformer Engine keeps them from
// the first micro-batch on, beside 16-bit weights or, where an implementation gathers fp8
// parameters, in place of them (negative where that is less). Sharded parameters (ZeRO-3) are cast
// when gathered.
std::int64_t quantised_weight_bytes(const StepContext& context, std::int64_t weights);
// Of it, the second copy that backward gathers from (hpZ); dense parameters only.
sim::Bytes secondary_memory(const StepContext& context, const ParameterSet& parameters);
sim::Bytes gradient_memory(const StepContext& context, const ParameterSet& parameters);
// The part of it that is there in a step's first forward.
sim::Bytes standing_gradient_memory(const StepContext& context, const ParameterSet& parameters);
sim::Bytes optimizer_memory(const StepContext& context, const ParameterSet& parameters);

// One 16-bit buffer for every shape of weight (KernelProfile::stand_in_gradients).
sim::Bytes stand_in_memory(const StepContext& context);

// Contiguous buffers of the optimizer's step, on top of the states.
sim::Bytes step_buffers(const StepContext& context, const ParameterSet& parameters);

// What a caching allocator holds beyond the peak although it could give it back: step_buffers that
// no cached block of the passes is large enough for.
sim::Bytes cached_step_buffers(const StepContext& context);

// Gradients that exist unsharded only from a unit's first backward to its reduction (ZeRO-2 and 3,
// or implementations without one flat gradient buffer).
bool gradients_come_and_go(const StepContext& context);
sim::Bytes unsharded_gradients(const StepContext& context, const ParameterSet& parameters);

// Bytes a collective over gradients or gathered parameters carries, before any division.
sim::Bytes wire_size(std::int64_t parameters, double element_bytes);

// Elements this rank holds when they are spread over the ranks of a sharded copy.
std::int64_t shard_elements(const StepContext& context, const ParameterSet& parameters);

ParameterSet stage_parameters(const StepContext& context);

}  // namespace strategies
