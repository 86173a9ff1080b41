// Buffers of asynchronous collectives that nobody uses any more but the caching allocator cannot
// hand out again.
//
// An asynchronous collective records its buffers on the library's stream (tensor.record_stream;
// pytorch, ProcessGroupNCCL::collective). When the host frees one, an event is recorded there, and
// the block is free for others only when the device has passed it (CUDACachingAllocator:
// insert_events, process_events). So the further the host is ahead, the more of them wait. How far
// it can be: kLaunchQueue launches, behind which the driver holds it up.
#pragma once

#include <cstdint>
#include <span>

#include "sim/units.hpp"
#include "strategies/program.hpp"
#include "strategies/step_context.hpp"

namespace strategies {

// Launches that can wait for the device; the next one blocks the host. 1,000 to 1,024 measured:
// https://forums.developer.nvidia.com/t/68937, https://stackoverflow.com/q/53970187
inline constexpr std::int64_t kLaunchQueue = 1024;
// A collective takes five places in it: its kernel, an event and a wait on both sides of it
// (ProcessGroupNCCL: syncStream, ncclEndEvent_->record, WorkNCCL::synchronize).
inline constexpr std::int32_t kCollectiveLaunches = 5;

struct OpTimes {
  sim::Time issued;    // by the host
  sim::Time finished;  // on the device
};

// By how much the largest sum of allocated and waiting bytes exceeds the largest sum of allocated
// ones. `times` has an entry for every operation, or none: then the device is taken to keep up,
// but for the warm-up of a pipeline. There nothing holds the first stage's host before its first
// gradient arrives, while its device waits for the next stage to take the second micro-batch.
// REQUIRES: as many times as operations, or none.
sim::Bytes late_buffers(const StepContext& context, const Program& program,
                        std::span<const OpTimes> times);

}  // namespace strategies
