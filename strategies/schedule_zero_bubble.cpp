// Zero-bubble schedules (arXiv 2401.10241): a backward is split, so that what the previous stage
// waits for (input gradients) comes early and the rest (weight gradients) fills the gaps.
//
// ZB-H1 (§2.1) warms up as 1F1B does; ZB-H2 (§2.2) with 2 (pp - stage) - 1 forwards. A stage puts
// its weight gradients off until it holds as many micro-batches as stage 0 does: pp, or 2 pp - 1.
// ZB-V (§6) folds two chunks a stage in a V: pp whole micro-batches, no bubble for f = b = w.
#include <algorithm>

#include "strategies/schedule.hpp"

namespace strategies {
namespace {

// One forward, one input gradient in turn; the weight gradients follow the latter `lag` behind.
std::vector<PassSlot> split_one_forward_one_backward(std::int64_t micro_batches,
                                                     std::int64_t warm_up, std::int64_t lag) {
  std::vector<PassSlot> out;
  const auto count = static_cast<std::int32_t>(micro_batches);
  std::int32_t forward = 0;
  std::int32_t weight = 0;
  for (; forward < std::min(warm_up, micro_batches); ++forward) {
    out.push_back({PassKind::forward, 0, forward});
  }
  for (std::int32_t backward = 0; backward < count; ++backward) {
    out.push_back({PassKind::backward_input, 0, backward});
    if (backward >= lag) out.push_back({PassKind::backward_weight, 0, weight++});
    if (forward < count) out.push_back({PassKind::forward, 0, forward++});
  }
  while (weight < count) out.push_back({PassKind::backward_weight, 0, weight++});
  return out;
}

// Writes the passes of one stage of ZB-V; micro-batches count up for each kind and chunk.
class VStage {
 public:
  explicit VStage(std::int64_t micro_batches) : micro_batches_(micro_batches) {}

  void forward(int chunk) { add(PassKind::forward, chunk); }
  void input(int chunk) { add(PassKind::backward_input, chunk); }
  void weight(int chunk) { add(PassKind::backward_weight, chunk); }
  void both(int chunk) {
    input(chunk);
    weight(chunk);
  }
  std::int64_t done(PassKind kind, int chunk) const { return done_[index(kind)][chunk]; }
  std::vector<PassSlot> take() { return std::move(slots_); }

 private:
  static std::size_t index(PassKind kind) { return static_cast<std::size_t>(kind); }

  // A pipeline that is never full has the passes of one that is, less those that do not exist.
  void add(PassKind kind, int chunk) {
    const std::int32_t micro_batch = done_[index(kind)][chunk]++;
    if (micro_batch < micro_batches_) slots_.push_back({kind, chunk, micro_batch});
  }

  std::int64_t micro_batches_;
  std::int32_t done_[4][2] = {};
  std::vector<PassSlot> slots_;
};

std::vector<PassSlot> v_stage(const ScheduleShape& shape, std::int64_t stage) {
  const std::int64_t after = shape.stages - stage;  // stages from here to the turn of the V
  const std::int64_t full = std::max(shape.micro_batches, 2 * shape.stages - 1);
  VStage out(shape.micro_batches);
  for (std::int64_t i = 0; i < 2 * after - 1; ++i) out.forward(0);
  for (std::int64_t i = 0; i < stage; ++i) out.forward(1), out.forward(0);
  for (std::int64_t i = 0; i < after; ++i) out.forward(1), out.both(1);
  while (out.done(PassKind::forward, 1) < full) {
    if (out.done(PassKind::forward, 0) < full) out.forward(0);
    out.both(0);
    out.forward(1);
    out.both(1);
  }
  for (std::int64_t i = 0; i < stage; ++i) out.input(0), out.input(1);
  for (std::int64_t i = 0; i < after; ++i) out.both(0);
  for (int chunk : {1, 0}) {
    while (out.done(PassKind::backward_weight, chunk) < full) out.weight(chunk);
  }
  return out.take();
}

}  // namespace

PipelineSchedule zb_h1(const ScheduleShape& shape) {
  PipelineSchedule out{shape, Placement::linear, {}};
  for (std::int64_t stage = 0; stage < shape.stages; ++stage) {
    out.stages.push_back(
        split_one_forward_one_backward(shape.micro_batches, shape.stages - stage, stage));
  }
  return out;
}

PipelineSchedule zb_h2(const ScheduleShape& shape) {
  PipelineSchedule out{shape, Placement::linear, {}};
  for (std::int64_t stage = 0; stage < shape.stages; ++stage) {
    out.stages.push_back(split_one_forward_one_backward(shape.micro_batches,
                                                        2 * (shape.stages - stage) - 1, 2 * stage));
  }
  return out;
}

PipelineSchedule zb_v(const ScheduleShape& shape) {
  PipelineSchedule out{shape, Placement::v_shape, {}};
  for (std::int64_t stage = 0; stage < shape.stages; ++stage) {
    out.stages.push_back(v_stage(shape, stage));
  }
  return out;
}

}  // namespace strategies
