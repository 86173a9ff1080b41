// A schedule within a stated memory: no stage ever holds more than max_in_flight micro-batches of
// activations (chunk passes, of which two make one in a V). The idea and what memory buys are those
// of arXiv 2401.10241 §3 and, for the V, of arXiv 2405.15362 (V-Min and V-Half hold about a third
// and a half of 1F1B's); the orders here are listed greedily against a clock of equal passes.
//
// A stage takes an input gradient when one is ready, else a forward while it may hold more, else a
// weight gradient, which is what gives memory back. In a V the chunk on the way out comes first,
// and the chunk on the way in leaves it one place: the oldest micro-batch can always go on, so that
// no limit leads to a deadlock. Without a V, how much fewer forwards each later stage may be ahead
// is tried out (ZB-H1 has one less, ZB-H2 two), and the shortest of the schedules taken.
#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "strategies/schedule.hpp"

namespace strategies {
namespace {

constexpr std::int64_t kNever = INT64_MAX;

class BoundedScheduler {
 public:
  BoundedScheduler(const ScheduleShape& shape, Placement placement, std::int64_t slope)
      : out_{shape, placement, {}}, slope_(slope) {
    const std::int64_t micro_batches = shape.max_in_flight > 0 ? shape.max_in_flight : shape.stages;
    limit_ = std::max(micro_batches * shape.chunks, shape.chunks);
    out_.stages.resize(static_cast<std::size_t>(shape.stages));
    stages_.resize(out_.stages.size());
    for (auto& finish : finish_) {
      finish.assign(static_cast<std::size_t>(out_.pieces() * shape.micro_batches), kNever);
    }
  }

  PipelineSchedule run() {
    std::int64_t left = 3 * out_.pieces() * out_.shape.micro_batches;
    for (now_ = 0; left > 0; ++now_) {
      for (std::size_t s = 0; s < stages_.size(); ++s) {
        if (const auto slot = choose(s)) {
          started_.push_back({s, *slot});
          --left;
        }
      }
      // All passes take one unit: what starts now is seen from the next instant on.
      for (const auto& [s, slot] : started_) finish(s, slot);
      started_.clear();
    }
    return std::move(out_);
  }
  // Of the last run, in passes.
  std::int64_t makespan() const { return now_; }

 private:
  struct Stage {
    // Passes done, by kind (forward, input, weight) and chunk; micro-batches go in order.
    std::array<std::array<std::int32_t, 2>, 3> done{};
    std::int64_t held() const { return done[0][0] + done[0][1] - done[2][0] - done[2][1]; }
  };
  struct Started {
    std::size_t stage;
    PassSlot slot;
  };

  static constexpr std::array kKinds{PassKind::forward, PassKind::backward_input,
                                     PassKind::backward_weight};

  std::int64_t& finished(bool forward, std::int64_t piece, std::int32_t micro_batch) {
    return finish_[forward ? 0 : 1]
                  [static_cast<std::size_t>(piece * out_.shape.micro_batches + micro_batch)];
  }

  bool ready(std::size_t s, std::size_t kind, std::int32_t chunk, std::int32_t m) {
    if (kind == 2) return m < stages_[s].done[1][static_cast<std::size_t>(chunk)];
    const std::int64_t piece = out_.piece_of(static_cast<std::int64_t>(s), chunk);
    if (kind == 0) return piece == 0 || finished(true, piece - 1, m) <= now_;
    const bool last = piece + 1 == out_.pieces();
    return finished(true, piece, m) <= now_ && (last || finished(false, piece + 1, m) <= now_);
  }

  bool may_hold(std::size_t s, std::int32_t chunk) const {
    const std::int64_t reserved = out_.shape.chunks - 1 - chunk;  // for the way out
    const auto& done = stages_[s].done;
    const std::int64_t ahead = done[0][0] - done[1][0];
    const std::int64_t most =
        std::max<std::int64_t>(1, limit_ - slope_ * static_cast<std::int64_t>(s));
    if (slope_ > 0 && ahead >= most) return false;
    return stages_[s].held() + reserved < limit_;
  }

  std::optional<PassSlot> choose(std::size_t s) {
    for (const std::size_t kind : {1U, 0U, 2U}) {
      for (auto chunk = static_cast<std::int32_t>(out_.shape.chunks); chunk-- > 0;) {
        const std::int32_t m = stages_[s].done[kind][static_cast<std::size_t>(chunk)];
        if (m == out_.shape.micro_batches || !ready(s, kind, chunk, m)) continue;
        if (kind == 0 && !may_hold(s, chunk)) continue;
        return PassSlot{kKinds[kind], chunk, m};
      }
    }
    return std::nullopt;
  }

  void finish(std::size_t s, const PassSlot& slot) {
    const auto kind = static_cast<std::size_t>(std::find(kKinds.begin(), kKinds.end(), slot.kind) -
                                               kKinds.begin());
    ++stages_[s].done[kind][static_cast<std::size_t>(slot.chunk)];
    out_.stages[s].push_back(slot);
    if (kind == 2) return;
    const std::int64_t piece = out_.piece_of(static_cast<std::int64_t>(s), slot.chunk);
    finished(kind == 0, piece, slot.micro_batch) = now_ + 1;
  }

  PipelineSchedule out_;
  std::int64_t slope_ = 0;
  std::int64_t limit_ = 1;
  std::vector<Stage> stages_;
  std::vector<Started> started_;
  std::array<std::vector<std::int64_t>, 2> finish_;  // forward, input: per piece and micro-batch
  std::int64_t now_ = 0;
};

}  // namespace

PipelineSchedule memory_bounded(const ScheduleShape& shape) {
  if (shape.chunks == 2) return BoundedScheduler(shape, Placement::v_shape, 0).run();
  PipelineSchedule best;
  std::int64_t shortest = kNever;
  for (std::int64_t slope = 0; slope <= 2; ++slope) {
    BoundedScheduler scheduler(shape, Placement::linear, slope);
    PipelineSchedule schedule = scheduler.run();
    if (scheduler.makespan() >= shortest) continue;
    shortest = scheduler.makespan();
    best = std::move(schedule);
  }
  return best;
}

}  // namespace strategies
