// 1F1B (PipeDream-Flush; arXiv 2104.04473 §2.2.1): a warm-up of pp - 1 - stage forwards, then one
// forward and one backward in turn. At most pp - stage micro-batches are in flight on a stage.
#include <algorithm>

#include "strategies/schedule.hpp"

namespace strategies {

PipelineSchedule one_forward_one_backward(const ScheduleShape& shape) {
  PipelineSchedule out{shape, Placement::linear, {}};
  out.stages.resize(static_cast<std::size_t>(shape.stages));
  const auto count = static_cast<std::int32_t>(shape.micro_batches);
  for (std::int64_t stage = 0; stage < shape.stages; ++stage) {
    auto& slots = out.stages[static_cast<std::size_t>(stage)];
    const auto warm_up =
        static_cast<std::int32_t>(std::min(shape.stages - 1 - stage, shape.micro_batches));
    std::int32_t forward = 0;
    for (; forward < warm_up; ++forward) slots.push_back({PassKind::forward, 0, forward});
    for (std::int32_t backward = 0; backward < count; ++backward) {
      if (forward < count) slots.push_back({PassKind::forward, 0, forward++});
      slots.push_back({PassKind::backward, 0, backward});
    }
  }
  return out;
}

}  // namespace strategies
