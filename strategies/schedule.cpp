#include "strategies/schedule.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "strategies/plan.hpp"

namespace strategies {
namespace {

std::string any_shape(const ScheduleShape&) { return {}; }

std::string one_chunk_only(const ScheduleShape& shape) {
  if (shape.chunks == 1) return {};
  return fmt::format(
      "this schedule runs one model chunk per stage, not vpp = {}: use schedule: interleaved",
      shape.chunks);
}

std::string two_chunks_only(const ScheduleShape& shape) {
  if (shape.chunks == 2) return {};
  return fmt::format(
      "this schedule folds the model in a V, two chunks a stage: vpp must be 2, not {}",
      shape.chunks);
}

std::string bounded_problem(const ScheduleShape& shape) {
  if (shape.chunks > 2) {
    return fmt::format(
        "memory-bounded runs one chunk a stage, or two in a V: vpp must be 1 or 2, not {}",
        shape.chunks);
  }
  return {};
}

std::string dualpipe_problem(const ScheduleShape& shape) {
  if (shape.chunks != 1) {
    return fmt::format(
        "dualpipe holds one chunk for each of its two directions: vpp must be 1, not {}",
        shape.chunks);
  }
  if (shape.stages % 2 != 0) {
    return fmt::format("dualpipe needs an even number of stages, not pp = {}", shape.stages);
  }
  if (shape.micro_batches % 2 != 0 || shape.micro_batches < 2 * shape.stages) {
    return fmt::format(
        "dualpipe needs an even number of micro-batches of at least 2 pp = {}, not {}",
        2 * shape.stages, shape.micro_batches);
  }
  return {};
}

std::string dualpipev_problem(const ScheduleShape& shape) {
  if (std::string problem = two_chunks_only(shape); !problem.empty()) return problem;
  if (shape.micro_batches >= 2 * shape.stages) return {};
  return fmt::format("dualpipev needs at least 2 pp = {} micro-batches, not {}", 2 * shape.stages,
                     shape.micro_batches);
}

constexpr std::array kSchedules{
    ScheduleGenerator{"gpipe", "all forwards, then all backwards (GPipe)", false, &any_shape,
                      &gpipe},
    ScheduleGenerator{"1f1b", "one forward, one backward in turn (PipeDream-Flush)", false,
                      &one_chunk_only, &one_forward_one_backward},
    ScheduleGenerator{"interleaved", "1F1B over vpp model chunks a stage (Megatron-LM)", false,
                      &any_shape, &interleaved},
    ScheduleGenerator{"zb-h1", "1F1B with split backward, a third of its bubble, its memory", true,
                      &one_chunk_only, &zb_h1},
    ScheduleGenerator{"zb-h2", "split backward, almost no bubble, twice the memory of 1F1B", true,
                      &one_chunk_only, &zb_h2},
    ScheduleGenerator{"zb-v", "split backward, two chunks in a V, the memory of 1F1B", true,
                      &two_chunks_only, &zb_v, Placement::v_shape},
    ScheduleGenerator{"memory-bounded", "split backward within max_in_flight micro-batches", true,
                      &bounded_problem, &memory_bounded},
    ScheduleGenerator{"dualpipe", "two directions, forward beside backward (DeepSeek-V3)", true,
                      &dualpipe_problem, &dualpipe, Placement::bidirectional},
    ScheduleGenerator{"dualpipev", "DualPipe cut in half: two chunks in a V, one copy", true,
                      &dualpipev_problem, &dualpipev, Placement::v_shape},
};

}  // namespace

ScheduleShape schedule_shape(const Plan& plan, std::int64_t micro_batches) {
  return {plan.pp, plan.vpp, micro_batches, plan.micro_batch_group, plan.max_in_flight};
}

std::span<const ScheduleGenerator> schedules() { return kSchedules; }

const ScheduleGenerator* find_schedule(std::string_view name) {
  const auto found = std::find_if(kSchedules.begin(), kSchedules.end(),
                                  [&](const auto& entry) { return entry.name == name; });
  return found == kSchedules.end() ? nullptr : &*found;
}

bool holds_two_copies(std::string_view schedule_name) {
  const ScheduleGenerator* generator = find_schedule(schedule_name);
  return generator != nullptr && generator->placement == Placement::bidirectional;
}

std::int64_t PipelineSchedule::piece_of(std::int64_t stage, std::int64_t chunk) const {
  if (placement == Placement::bidirectional) {
    return chunk == 0 ? stage : shape.stages - 1 - stage;
  }
  if (placement == Placement::v_shape && chunk % 2 == 1) {
    return (chunk + 1) * shape.stages - 1 - stage;
  }
  return chunk * shape.stages + stage;
}

std::pair<std::int64_t, std::int64_t> PipelineSchedule::place_of(std::int64_t piece,
                                                                 std::int64_t copy) const {
  if (placement == Placement::bidirectional) {
    return {copy == 0 ? piece : shape.stages - 1 - piece, copy};
  }
  const std::int64_t chunk = piece / shape.stages;
  const std::int64_t along = piece % shape.stages;
  const bool back = placement == Placement::v_shape && chunk % 2 == 1;
  return {back ? shape.stages - 1 - along : along, chunk};
}

}  // namespace strategies
