// The passes of a whole pipeline in an order in which each follows what it waits for, so that a
// bound runs through them once. Depends on the schedule alone.
#pragma once

#include <cstdint>
#include <vector>

#include "strategies/schedule.hpp"

namespace studies {

struct OrderedPass {
  std::uint32_t stage = 0;
  std::uint32_t piece = 0;
  std::int32_t waits_for = -1;  // place in this order of the pass whose output it takes; -1 = none
  std::uint32_t from = 0;       // stage of that pass
  std::uint32_t to = 0;         // stage that takes its own output; `stage` where none does
  std::uint16_t chunk = 0;
  strategies::PassKind kind = strategies::PassKind::forward;
  bool with_next = false;  // side by side with the next one in this order
};

std::vector<OrderedPass> pass_order(const strategies::PipelineSchedule& schedule);

}  // namespace studies
