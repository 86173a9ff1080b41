// Interleaved 1F1B (arXiv 2104.04473 §2.2.2), with the micro-batch group of Megatron-Core and Llama
// 3 (arXiv 2407.21783 §3.3.2): a stage runs `group` micro-batches of one chunk in a row before it
// goes on to the next chunk. The classic schedule has group = stages.
#include <algorithm>

#include "strategies/schedule.hpp"

namespace strategies {
namespace {

// All (chunk, micro-batch) pairs in the order a stage runs its forwards.
std::vector<PassSlot> forward_order(const ScheduleShape& shape, std::int64_t group) {
  std::vector<PassSlot> order;
  for (std::int64_t first = 0; first < shape.micro_batches; first += group) {
    const std::int64_t last = std::min(first + group, shape.micro_batches);
    for (std::int64_t c = 0; c < shape.chunks; ++c) {
      for (std::int64_t m = first; m < last; ++m) {
        order.push_back(
            {PassKind::forward, static_cast<std::int32_t>(c), static_cast<std::int32_t>(m)});
      }
    }
  }
  return order;
}

}  // namespace

PipelineSchedule interleaved(const ScheduleShape& shape) {
  PipelineSchedule out{shape, Placement::linear, {}};
  out.stages.resize(static_cast<std::size_t>(shape.stages));
  const std::int64_t group = shape.micro_batch_group > 0 ? shape.micro_batch_group : shape.stages;
  const std::vector<PassSlot> forwards = forward_order(shape, group);
  const auto total = static_cast<std::int64_t>(forwards.size());
  for (std::int64_t stage = 0; stage < shape.stages; ++stage) {
    auto& slots = out.stages[static_cast<std::size_t>(stage)];
    // Megatron-Core: 2 (pp - stage - 1) + (chunks - 1) * group forwards before the first backward.
    const std::int64_t warm_up =
        std::min(total, (shape.stages - stage - 1) * 2 + (shape.chunks - 1) * group);
    std::int64_t next = 0;
    for (; next < warm_up; ++next) slots.push_back(forwards[static_cast<std::size_t>(next)]);
    for (std::int64_t done = 0; done < total; ++done) {
      if (next < total) slots.push_back(forwards[static_cast<std::size_t>(next++)]);
      PassSlot slot = forwards[static_cast<std::size_t>(done)];
      slot.kind = PassKind::backward;
      slot.chunk = static_cast<std::int32_t>(shape.chunks) - 1 - slot.chunk;
      slots.push_back(slot);
    }
  }
  return out;
}

}  // namespace strategies
