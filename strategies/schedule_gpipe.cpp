// GPipe (arXiv 1811.06965): all forwards, then all backwards.
#include "strategies/schedule.hpp"

namespace strategies {

PipelineSchedule gpipe(const ScheduleShape& shape) {
  PipelineSchedule out{shape, Placement::linear, {}};
  out.stages.resize(static_cast<std::size_t>(shape.stages));
  for (auto& slots : out.stages) {
    for (std::int32_t c = 0; c < shape.chunks; ++c) {
      for (std::int32_t m = 0; m < shape.micro_batches; ++m) {
        slots.push_back({PassKind::forward, c, m});
      }
    }
    for (auto c = static_cast<std::int32_t>(shape.chunks) - 1; c >= 0; --c) {
      for (std::int32_t m = 0; m < shape.micro_batches; ++m) {
        slots.push_back({PassKind::backward, c, m});
      }
    }
  }
  return out;
}

}  // namespace strategies
