#include "strategies/states.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "strategies/low_precision.hpp"

namespace strategies {
namespace {

bool sixteen_bit(const Training& training) {
  return models::element_bytes(training.precision) <= 2.0;
}

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

std::int64_t all(const ParameterSet& parameters) { return parameters.dense + parameters.expert; }

sim::Bytes kept_on_device(sim::Bytes bytes, double offloaded) {
  return sim::Bytes::ceil(bytes.as_double() * (1.0 - offloaded));
}

}  // namespace

std::int64_t shard_elements(const StepContext& context, const ParameterSet& parameters) {
  return ceil_div(parameters.dense, context.plan->shard_group) +
         ceil_div(parameters.expert, context.expert_shard_group());
}

double parameter_bytes(const Training& training) { return sixteen_bit(training) ? 2.0 : 4.0; }

double gathered_parameter_bytes(const Training& training, const Implementation& implementation) {
  // MXFP8 has a row and a column copy that differ: its parameters are gathered in 16 bits.
  const bool low = implementation.fp8_parameter_gather &&
                   training.precision == models::Precision::fp8 &&
                   training.fp8_recipe != Fp8Recipe::mxfp8;
  return low || training.quantized_weights ? 1.0 : parameter_bytes(training);
}

double sharded_parameter_bytes(const Training& training, const Implementation& implementation) {
  return implementation.fp32_sharded_parameters ? 4.0 : parameter_bytes(training);
}

bool gathers_in_fp8(const Training& training, const Implementation& implementation) {
  return implementation.fp8_gather && training.precision == models::Precision::fp8 &&
         training.fp8_recipe == Fp8Recipe::tensorwise;
}

double gradient_bytes(const Training& training) {
  return models::element_bytes(training.grad_dtype);
}

double gradient_wire_bytes(const Training& training, const Implementation& implementation) {
  if (training.quantized_gradients) return 0.5;
  if (implementation.grad_reduce_element_bytes > 0.0) {
    return implementation.grad_reduce_element_bytes;
  }
  return gradient_bytes(training);
}

double optimizer_bytes(const Training& training, const Plan& plan,
                       const Implementation& implementation) {
  const bool shard_is_master = plan.zero == 3 && implementation.fp32_sharded_parameters;
  const bool master = sixteen_bit(training) && training.master_weights && !shard_is_master;
  const double copy = master ? 4.0 : 0.0;
  switch (training.optimizer) {
    case Optimizer::adamw:
      return copy + 8.0;
    case Optimizer::adamw_8bit:
      return copy + 2.0;  // arXiv 2110.02861: two 8-bit moments
    case Optimizer::adamw_bf16:
      return copy + 4.0;  // DeepSeek-V3, arXiv 2412.19437 §3.3.2
    case Optimizer::sgd:
      return copy;
    case Optimizer::sgd_momentum:
    case Optimizer::lion:
      return copy + 4.0;
    case Optimizer::adafactor:
      return copy + 0.01;  // arXiv 1804.04235: rows + columns of a matrix
  }
  return copy;
}

sim::Bytes wire_size(std::int64_t parameters, double element_bytes) {
  return sim::Bytes::ceil(static_cast<double>(parameters) * element_bytes);
}

std::int64_t quantised_weights(const StepContext& context) {
  std::int64_t weights = 0;
  for (const Chunk& chunk : context.chunks) {
    for (const Unit& unit : chunk.units) weights += unit.cost->quantised_parameters;
  }
  return weights;
}

std::int64_t quantised_weight_bytes(const StepContext& context, std::int64_t weights) {
  const Training& training = *context.training;
  const bool low = models::element_bytes(training.precision) < 2.0;
  if (!low || context.plan->zero == 3) return 0;
  const bool in_place =
      context.implementation->fp8_parameter_gather && training.precision == models::Precision::fp8;
  const double each = cast_copies(training, *context.device) * quantised_element_bytes(training) -
                      (in_place ? parameter_bytes(training) : 0.0);
  // Of weights that are fetched, no cast outlives its use.
  const double resident = 1.0 - context.plan->offload.parameters;
  return static_cast<std::int64_t>(static_cast<double>(weights) * each * resident);
}

sim::Bytes secondary_memory(const StepContext& context, const ParameterSet& parameters) {
  const std::int64_t ranks = context.plan->secondary_shard;
  if (context.plan->zero != 3 || ranks == 0) return sim::Bytes{0};
  return wire_size(ceil_div(parameters.dense, ranks), parameter_bytes(*context.training));
}

sim::Bytes parameter_memory(const StepContext& context, const ParameterSet& parameters) {
  const Plan& plan = *context.plan;
  const sim::Bytes bytes =
      plan.zero == 3
          ? wire_size(shard_elements(context, parameters),
                      sharded_parameter_bytes(*context.training, *context.implementation))
          : wire_size(all(parameters), parameter_bytes(*context.training));
  return kept_on_device(bytes, plan.offload.parameters) + secondary_memory(context, parameters);
}

sim::Bytes gradient_memory(const StepContext& context, const ParameterSet& parameters) {
  const double element = gradient_bytes(*context.training);
  if (context.plan->zero >= 2) return wire_size(shard_elements(context, parameters), element);
  if (gradients_come_and_go(context)) return sim::Bytes{0};
  const Implementation& implementation = *context.implementation;
  const bool beside =
      implementation.low_precision_gradients_stay && element > parameter_bytes(*context.training);
  const bool buckets =
      implementation.gradient_buckets && context.plan->zero == 0 && context.data_parallel() > 1;
  const double copies = (beside ? 1.0 : 0.0) + (buckets ? 1.0 : 0.0);
  return wire_size(all(parameters), element + copies * parameter_bytes(*context.training));
}

sim::Bytes standing_gradient_memory(const StepContext& context, const ParameterSet& parameters) {
  const bool released = context.plan->zero == 3 && context.implementation->releases_gradients;
  return released ? sim::Bytes{0} : gradient_memory(context, parameters);
}

sim::Bytes optimizer_memory(const StepContext& context, const ParameterSet& parameters) {
  const Plan& plan = *context.plan;
  const std::int64_t elements =
      plan.zero >= 1 ? shard_elements(context, parameters) : all(parameters);
  const double each = optimizer_bytes(*context.training, plan, *context.implementation);
  return kept_on_device(wire_size(elements, each), plan.offload.optimizer);
}

sim::Bytes stand_in_memory(const StepContext& context) {
  std::set<std::pair<std::int64_t, std::int64_t>> shapes;
  for (const Chunk& chunk : context.chunks) {
    for (const Unit& unit : chunk.units) {
      shapes.insert(unit.cost->stand_ins.begin(), unit.cost->stand_ins.end());
    }
  }
  std::int64_t elements = 0;
  for (const auto& [rows, columns] : shapes) elements += rows * columns;
  return wire_size(elements, parameter_bytes(*context.training));
}

sim::Bytes step_buffers(const StepContext& context, const ParameterSet& parameters) {
  const Implementation& implementation = *context.implementation;
  if (context.plan->zero != 1 && context.plan->zero != 2) return sim::Bytes{0};
  const double low = parameter_bytes(*context.training);
  const std::int64_t shard = shard_elements(context, parameters);
  sim::Bytes out;
  if (implementation.flat_parameter_gather && context.data_parallel() > 1) {
    out += wire_size(all(parameters) + shard, low);
  }
  if (implementation.flat_gradient_copy && gradient_bytes(*context.training) <= 2.0) {
    out += wire_size(shard, low + 4.0);
  }
  return out;
}

namespace {

// Experts are reduced in a group of their own, or, where no other rank holds them, not at all.
sim::Bytes cached_reductions(const StepContext& context) {
  const bool experts = context.expert_shard_group() > 1;
  std::int64_t largest = 0;
  for (const Chunk& chunk : context.chunks) {
    for (const Unit& unit : chunk.units) {
      largest = std::max(
          {largest, unit.cost->dense_parameters, experts ? unit.cost->expert_parameters : 0});
    }
  }
  const bool reduces = context.plan->zero == 3 && context.data_parallel() > 1;
  const int buffers = reduces ? context.implementation->cached_reductions : 0;
  return wire_size(largest, gradient_wire_bytes(*context.training, *context.implementation)) *
         buffers;
}

}  // namespace

sim::Bytes cached_step_buffers(const StepContext& context) {
  sim::Bytes largest;
  for (const Chunk& chunk : context.chunks) {
    for (const Unit& unit : chunk.units) largest = std::max(largest, unit.cost->largest_tensor);
  }
  const sim::Bytes buffers = step_buffers(context, stage_parameters(context));
  return (buffers > largest ? buffers : sim::Bytes{0}) + cached_reductions(context);
}

bool gradients_come_and_go(const StepContext& context) {
  return context.plan->zero >= 2 || !context.implementation->contiguous_gradients;
}

sim::Bytes unsharded_gradients(const StepContext& context, const ParameterSet& parameters) {
  const bool accumulates =
      context.micro_batches > 1 && context.plan->grad_reduce == GradReduce::step;
  // Without accumulation autograd's own gradients, in the precision of the computation, suffice.
  const double element =
      accumulates || context.plan->zero < 2
          ? gradient_bytes(*context.training)
          : std::min(gradient_bytes(*context.training), parameter_bytes(*context.training));
  return wire_size(all(parameters), element);
}

ParameterSet stage_parameters(const StepContext& context) {
  ParameterSet out;
  for (const Chunk& chunk : context.chunks) {
    out.dense += chunk.dense_parameters();
    out.expert += chunk.expert_parameters();
  }
  return out;
}

}  // namespace strategies
