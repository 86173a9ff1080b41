// Interleaved 1F1B (arXiv 2104.04473 §2.2.2), with the micro-batch group of Megatron-Core and Llama
// 3 (arXiv 2407.21783 §3.3.2): a stage runs `group` micro-batches of one chunk in a row before it
// goes on to the next chunk. The classic schedule has group = stages.
//
// A group smaller than the pipeline leaves gaps, because a chunk's first micro-batch is not back
// when the group has passed; Megatron-Core refuses it, as it does a smaller rest after full groups,
// and its order may wait for ever. There the passes are listed greedily against a clock instead,
// with the same orders and the same memory.
#include <algorithm>
#include <optional>

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

// The backward that stands where `forward` does: the chunks in reverse.
PassSlot backward_of(const PassSlot& forward, const ScheduleShape& shape) {
  return {PassKind::backward, static_cast<std::int32_t>(shape.chunks) - 1 - forward.chunk,
          forward.micro_batch};
}

// Megatron-Core: 2 (pp - stage - 1) + (chunks - 1) * group forwards before the first backward.
std::int64_t warm_up(const ScheduleShape& shape, std::int64_t group, std::int64_t stage) {
  const std::int64_t all = shape.chunks * shape.micro_batches;
  return std::min(all, (shape.stages - stage - 1) * 2 + (shape.chunks - 1) * group);
}

std::vector<PassSlot> fixed_order(const ScheduleShape& shape, std::int64_t group,
                                  const std::vector<PassSlot>& forwards, std::int64_t stage) {
  std::vector<PassSlot> slots;
  const std::int64_t first = warm_up(shape, group, stage);
  auto next = forwards.begin();
  for (; next != forwards.begin() + first; ++next) slots.push_back(*next);
  for (const PassSlot& forward : forwards) {
    if (next != forwards.end()) slots.push_back(*next++);
    slots.push_back(backward_of(forward, shape));
  }
  return slots;
}

// List scheduling with a forward of one time unit and a backward of two: a stage takes its next
// backward when that is ready, else its next forward when that is ready and the stage holds less
// than its limit. When nothing can move, all limits rise by one.
class ListScheduler {
 public:
  ListScheduler(const ScheduleShape& shape, std::int64_t group,
                const std::vector<PassSlot>& forwards)
      : out_{shape, Placement::linear, {}}, forwards_(forwards) {
    const auto stages = static_cast<std::size_t>(shape.stages);
    out_.stages.resize(stages);
    stages_.resize(stages);
    for (std::size_t s = 0; s < stages; ++s) {
      stages_[s].limit = warm_up(shape, group, static_cast<std::int64_t>(s)) + 1;
    }
    for (auto& finish : finish_) {
      finish.assign(static_cast<std::size_t>(out_.pieces() * shape.micro_batches), kNever);
    }
  }

  PipelineSchedule run() {
    std::size_t left = 2 * forwards_.size() * stages_.size();
    for (now_ = 0; left > 0; ++now_) {
      bool busy = false;
      for (std::size_t s = 0; s < stages_.size(); ++s) {
        if (stages_[s].free_at <= now_ && start(s)) --left;
        busy = busy || stages_[s].free_at > now_;
      }
      if (!busy && left > 0) {
        for (Stage& stage : stages_) ++stage.limit;
      }
    }
    return std::move(out_);
  }

 private:
  static constexpr std::int64_t kNever = INT64_MAX;

  struct Stage {
    std::size_t forwards = 0, backwards = 0;  // done
    std::int64_t limit = 0;
    std::int64_t free_at = 0;
  };

  std::int64_t& finish(PassKind kind, std::int64_t piece, std::int32_t micro_batch) {
    return finish_[kind == PassKind::forward ? 0 : 1]
                  [static_cast<std::size_t>(piece * out_.shape.micro_batches + micro_batch)];
  }

  bool ready(std::size_t stage, const PassSlot& slot) {
    const std::int64_t piece = out_.piece_of(static_cast<std::int64_t>(stage), slot.chunk);
    if (slot.kind == PassKind::forward) {
      return piece == 0 || finish(PassKind::forward, piece - 1, slot.micro_batch) <= now_;
    }
    const bool last = piece + 1 == out_.pieces();
    return finish(PassKind::forward, piece, slot.micro_batch) <= now_ &&
           (last || finish(PassKind::backward, piece + 1, slot.micro_batch) <= now_);
  }

  std::optional<PassSlot> choose(std::size_t s) {
    const Stage& stage = stages_[s];
    if (stage.backwards < forwards_.size()) {
      const PassSlot slot = backward_of(forwards_[stage.backwards], out_.shape);
      if (ready(s, slot)) return slot;
    }
    const auto held = static_cast<std::int64_t>(stage.forwards - stage.backwards);
    if (stage.forwards == forwards_.size() || held >= stage.limit) return std::nullopt;
    const PassSlot slot = forwards_[stage.forwards];
    return ready(s, slot) ? std::optional(slot) : std::nullopt;
  }

  bool start(std::size_t s) {
    const std::optional<PassSlot> slot = choose(s);
    if (!slot) return false;
    Stage& stage = stages_[s];
    const bool forward = slot->kind == PassKind::forward;
    ++(forward ? stage.forwards : stage.backwards);
    stage.free_at = now_ + (forward ? 1 : 2);
    finish(slot->kind, out_.piece_of(static_cast<std::int64_t>(s), slot->chunk),
           slot->micro_batch) = stage.free_at;
    out_.stages[s].push_back(*slot);
    return true;
  }

  PipelineSchedule out_;
  const std::vector<PassSlot>& forwards_;
  std::vector<Stage> stages_;
  std::vector<std::int64_t> finish_[2];  // forward, backward: per piece and micro-batch
  std::int64_t now_ = 0;
};

}  // namespace

PipelineSchedule interleaved(const ScheduleShape& shape) {
  const std::int64_t group = shape.micro_batch_group > 0 ? shape.micro_batch_group : shape.stages;
  const std::vector<PassSlot> forwards = forward_order(shape, group);
  const std::int64_t rest = shape.micro_batches % group;
  const bool short_rest = shape.micro_batches > group && rest > 0 && rest < shape.stages;
  if (group < shape.stages || short_rest) return ListScheduler(shape, group, forwards).run();
  PipelineSchedule out{shape, Placement::linear, {}};
  for (std::int64_t stage = 0; stage < shape.stages; ++stage) {
    out.stages.push_back(fixed_order(shape, group, forwards, stage));
  }
  return out;
}

}  // namespace strategies
