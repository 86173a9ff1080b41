#include "strategies/schedule.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include <fmt/format.h>

namespace strategies {
namespace {

std::string one_chunk_only(const ScheduleShape& shape) {
  if (shape.chunks == 1) return {};
  return fmt::format("1f1b runs one model chunk per stage, not vpp = {}: use schedule: interleaved",
                     shape.chunks);
}

std::string any_shape(const ScheduleShape&) { return {}; }

std::string interleaved_problem(const ScheduleShape& shape) {
  const std::int64_t group = shape.micro_batch_group > 0 ? shape.micro_batch_group : shape.stages;
  if (group < shape.stages && shape.micro_batches > group) {
    return fmt::format("micro_batch_group = {} is less than pp = {}: a chunk would wait for itself",
                       group, shape.stages);
  }
  return {};
}

constexpr std::array kSchedules{
    ScheduleGenerator{"gpipe", "all forwards, then all backwards (GPipe)", false, &any_shape,
                      &gpipe},
    ScheduleGenerator{"1f1b", "one forward, one backward in turn (PipeDream-Flush)", false,
                      &one_chunk_only, &one_forward_one_backward},
    ScheduleGenerator{"interleaved", "1F1B over vpp model chunks a stage (Megatron-LM)", false,
                      &interleaved_problem, &interleaved},
};

using Key = std::tuple<PassKind, std::int64_t, std::int32_t>;  // kind, piece, micro-batch

// What must have finished before a pass may start, beyond the stage's own order.
std::vector<Key> requirements(PassKind kind, std::int64_t piece, std::int32_t micro_batch,
                              std::int64_t pieces, const std::map<Key, bool>& done) {
  std::vector<Key> out;
  if (kind == PassKind::forward) {
    if (piece > 0) out.emplace_back(PassKind::forward, piece - 1, micro_batch);
  } else if (kind == PassKind::backward_weight) {
    out.emplace_back(PassKind::backward_input, piece, micro_batch);
  } else {
    out.emplace_back(PassKind::forward, piece, micro_batch);
    if (piece + 1 < pieces) {
      const Key whole{PassKind::backward, piece + 1, micro_batch};
      const Key split{PassKind::backward_input, piece + 1, micro_batch};
      out.push_back(done.contains(split) ? split : whole);
    }
  }
  return out;
}

std::string_view word(PassKind kind) {
  constexpr std::array<std::string_view, 4> words{"forward", "backward", "input gradient",
                                                  "weight gradient"};
  return words[static_cast<std::size_t>(kind)];
}

// Every piece and micro-batch is passed through exactly once in each direction.
std::string check_complete(const PipelineSchedule& schedule, const std::map<Key, bool>& passes,
                           std::size_t slots) {
  if (passes.size() != slots) return "a pass stands in the schedule twice";
  const std::int64_t pieces = schedule.shape.stages * schedule.shape.chunks;
  for (std::int64_t piece = 0; piece < pieces; ++piece) {
    for (std::int32_t m = 0; m < schedule.shape.micro_batches; ++m) {
      const bool whole = passes.contains({PassKind::backward, piece, m});
      const bool input = passes.contains({PassKind::backward_input, piece, m});
      const bool weight = passes.contains({PassKind::backward_weight, piece, m});
      if (!passes.contains({PassKind::forward, piece, m}) || whole == input || input != weight) {
        return fmt::format("micro-batch {} of model piece {} lacks a pass, or has one too many", m,
                           piece);
      }
    }
  }
  return {};
}

}  // namespace

std::span<const ScheduleGenerator> schedules() { return kSchedules; }

const ScheduleGenerator* find_schedule(std::string_view name) {
  const auto found = std::find_if(kSchedules.begin(), kSchedules.end(),
                                  [&](const auto& entry) { return entry.name == name; });
  return found == kSchedules.end() ? nullptr : &*found;
}

std::int64_t PipelineSchedule::piece_of(std::int64_t stage, std::int64_t chunk) const {
  if (placement == Placement::v_shape && chunk % 2 == 1) {
    return (chunk + 1) * shape.stages - 1 - stage;
  }
  return chunk * shape.stages + stage;
}

std::pair<std::int64_t, std::int64_t> PipelineSchedule::place_of(std::int64_t piece) const {
  const std::int64_t chunk = piece / shape.stages;
  const std::int64_t along = piece % shape.stages;
  const bool back = placement == Placement::v_shape && chunk % 2 == 1;
  return {back ? shape.stages - 1 - along : along, chunk};
}

std::string check_schedule(const PipelineSchedule& schedule) {
  const std::int64_t pieces = schedule.shape.stages * schedule.shape.chunks;
  std::map<Key, bool> done;  // false until the pass has run
  std::size_t slots = 0;
  for (std::int64_t s = 0; s < schedule.shape.stages; ++s) {
    for (const PassSlot& slot : schedule.stages[static_cast<std::size_t>(s)]) {
      done[{slot.kind, schedule.piece_of(s, slot.chunk), slot.micro_batch}] = false;
      ++slots;
    }
  }
  if (std::string problem = check_complete(schedule, done, slots); !problem.empty()) {
    return problem;
  }
  std::vector<std::size_t> next(schedule.stages.size(), 0);
  std::size_t ran = 0;
  for (bool progress = true; progress;) {
    progress = false;
    for (std::size_t s = 0; s < next.size(); ++s) {
      const auto& order = schedule.stages[s];
      while (next[s] < order.size()) {
        const PassSlot& slot = order[next[s]];
        const std::int64_t piece = schedule.piece_of(static_cast<std::int64_t>(s), slot.chunk);
        const auto needs = requirements(slot.kind, piece, slot.micro_batch, pieces, done);
        if (!std::all_of(needs.begin(), needs.end(), [&](const Key& k) { return done.at(k); })) {
          break;
        }
        done[{slot.kind, piece, slot.micro_batch}] = true;
        ++next[s], ++ran, progress = true;
      }
    }
  }
  if (ran == slots) return {};
  for (std::size_t s = 0; s < next.size(); ++s) {
    if (next[s] == schedule.stages[s].size()) continue;
    const PassSlot& slot = schedule.stages[s][next[s]];
    return fmt::format("stage {} waits for ever at the {} of chunk {}, micro-batch {}", s,
                       word(slot.kind), slot.chunk, slot.micro_batch);
  }
  return {};
}

std::int64_t peak_in_flight(const PipelineSchedule& schedule, std::int64_t stage) {
  std::int64_t live = 0;
  std::int64_t peak = 0;
  for (const PassSlot& slot : schedule.stages[static_cast<std::size_t>(stage)]) {
    if (slot.kind == PassKind::forward) peak = std::max(peak, ++live);
    if (slot.kind == PassKind::backward || slot.kind == PassKind::backward_weight) --live;
  }
  return peak;
}

}  // namespace strategies
