// DualPipe (arXiv 2412.19437 §3.2.1; github.com/deepseek-ai/DualPipe) and DualPipeV, its half.
//
// Two micro-batches pass a rank in opposite directions, and the forward of one runs side by side
// with the backward of the other. In DualPipe they come from both ends of the pipeline, and the
// ranks of stage s and pp - 1 - s hold the same two pieces; the two halves of the pipeline mirror
// each other. In DualPipeV a micro-batch goes down the V and up again: half of a DualPipe of twice
// as many stages. So one order serves both: `phase` 0 is the chunk on the way in, 1 on the way out.
#include <algorithm>
#include <deque>

#include "strategies/schedule.hpp"

namespace strategies {
namespace {

class DualStage {
 public:
  // `along` = this rank's place, `half` = places to the turn, `per_phase` = micro-batches of each
  // phase; `first_phase_chunk` = the chunk of phase 0; `first_micro_batch` of each chunk.
  DualStage(std::int64_t along, std::int64_t half, std::int64_t per_phase,
            std::int32_t first_phase_chunk, std::int64_t second_direction)
      : along_(along),
        half_(half),
        per_phase_(per_phase),
        first_phase_chunk_(first_phase_chunk),
        first_micro_batch_{0, static_cast<std::int32_t>(second_direction)} {}

  std::vector<PassSlot> run() {
    const std::int64_t outer = half_ - along_ - 1;  // ranks between this one and the turn
    const std::int64_t inner = along_ + 1;
    for (std::int64_t i = 0; i < 2 * outer; ++i) forward(0);
    for (std::int64_t i = 0; i < inner; ++i) forward(0), forward(1);
    for (std::int64_t i = 0; i < outer; ++i) input(1), weight(), forward(1);
    for (std::int64_t i = 0; i < per_phase_ - 2 * half_ + inner; ++i) {
      // At the turn the first forward is waited for: side by side would only delay it.
      forward(0, i > 0 || outer > 0), backward(1);
      forward(1, true), backward(0);
    }
    for (std::int64_t i = 0; i < outer; ++i) {
      backward(1);
      forward(1, true), backward(0);
    }
    drain(outer, inner);
    return std::move(slots_);
  }

 private:
  // The second half of the remaining backwards is split, to let the pipeline run dry sooner.
  void drain(std::int64_t outer, std::int64_t inner) {
    for (std::int64_t i = 0; i < 2 * inner; ++i) {
      const int phase = i % 2 == 0 ? 1 : 0;
      if (i < inner) {
        backward(phase);
      } else {
        input(phase);
      }
    }
    for (std::int64_t i = 0; i < outer; ++i) weight(), input(0);
    while (!weights_.empty()) weight();
  }

  void add(PassKind kind, int phase, std::int32_t number, bool with_next) {
    const std::int32_t chunk = phase ^ first_phase_chunk_;
    slots_.push_back({kind, chunk, first_micro_batch_[chunk] + number, with_next});
  }
  void forward(int phase, bool beside_next = false) {
    add(PassKind::forward, phase, forwards_[phase]++, beside_next);
  }
  void backward(int phase) { add(PassKind::backward, phase, backwards_[phase]++, false); }
  void input(int phase) {
    weights_.push_back({phase, backwards_[phase]});
    add(PassKind::backward_input, phase, backwards_[phase]++, false);
  }
  void weight() {
    add(PassKind::backward_weight, weights_.front().first, weights_.front().second, false);
    weights_.pop_front();
  }

  std::int64_t along_, half_, per_phase_;
  std::int32_t first_phase_chunk_;
  std::int32_t first_micro_batch_[2];
  std::int32_t forwards_[2] = {};
  std::int32_t backwards_[2] = {};
  std::deque<std::pair<int, std::int32_t>> weights_;  // put off: phase, number
  std::vector<PassSlot> slots_;
};

}  // namespace

PipelineSchedule dualpipe(const ScheduleShape& shape) {
  PipelineSchedule out{shape, Placement::bidirectional, {}};
  const std::int64_t per_direction = shape.micro_batches / 2;
  for (std::int64_t stage = 0; stage < shape.stages; ++stage) {
    const std::int64_t along = std::min(stage, shape.stages - 1 - stage);
    const std::int32_t chunk = stage < shape.stages / 2 ? 0 : 1;
    out.stages.push_back(
        DualStage(along, shape.stages / 2, per_direction, chunk, per_direction).run());
  }
  return out;
}

PipelineSchedule dualpipev(const ScheduleShape& shape) {
  PipelineSchedule out{shape, Placement::v_shape, {}};
  for (std::int64_t stage = 0; stage < shape.stages; ++stage) {
    out.stages.push_back(DualStage(stage, shape.stages, shape.micro_batches, 0, 0).run());
  }
  return out;
}

}  // namespace strategies
