#include <algorithm>
#include <utility>

#include "strategies/schedule.hpp"

namespace strategies {

PipelineSchedule in_pairs(PipelineSchedule schedule) {
  for (auto& slots : schedule.stages) {
    const bool paired = std::any_of(slots.begin(), slots.end(),
                                    [](const PassSlot& slot) { return slot.with_next; });
    if (paired) continue;
    for (std::size_t i = 0; i + 1 < slots.size(); ++i) {
      if (slots[i].kind != PassKind::backward || slots[i + 1].kind != PassKind::forward) continue;
      std::swap(slots[i], slots[i + 1]);
      slots[i].with_next = true;
      ++i;
    }
  }
  return schedule;
}

}  // namespace strategies
