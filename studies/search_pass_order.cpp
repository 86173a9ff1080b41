#include "studies/search_pass_order.hpp"

namespace studies {
namespace {

using strategies::PassKind;
using strategies::PassSlot;

class Ordering {
 public:
  explicit Ordering(const strategies::PipelineSchedule& schedule)
      : schedule_(schedule),
        copies_(schedule.placement == strategies::Placement::bidirectional ? 2 : 1),
        next_(schedule.stages.size(), 0) {
    const auto cells =
        static_cast<std::size_t>(schedule.pieces() * copies_ * schedule.shape.micro_batches);
    forward_.assign(cells, -1);
    backward_.assign(cells, -1);
  }

  std::vector<OrderedPass> run() {
    for (bool progress = true; progress;) {
      progress = false;
      for (std::size_t s = 0; s < next_.size(); ++s) {
        while (next_[s] < schedule_.stages[s].size() && place(s)) progress = true;
      }
    }
    return std::move(out_);
  }

 private:
  std::size_t cell(std::int64_t piece, const PassSlot& slot) const {
    const std::int64_t copy = copies_ == 2 ? slot.chunk : 0;
    return static_cast<std::size_t>((piece * copies_ + copy) * schedule_.shape.micro_batches +
                                    slot.micro_batch);
  }
  std::int64_t piece_of(std::size_t s, const PassSlot& slot) const {
    return schedule_.piece_of(static_cast<std::int64_t>(s), slot.chunk);
  }
  // The neighbour whose pass comes before (step -1) or after (step 1) in the flow of data; -1 =
  // none.
  std::int64_t neighbour(std::int64_t piece, PassKind kind, std::int64_t step) const {
    if (kind == PassKind::backward_weight) return -1;
    const std::int64_t other = kind == PassKind::forward ? piece + step : piece - step;
    return other < schedule_.pieces() ? other : -1;
  }

  // Takes the next pass of a stage, or the next two side by side, if what they wait for is there.
  bool place(std::size_t s) {
    const auto& slots = schedule_.stages[s];
    const std::size_t count = slots[next_[s]].with_next ? 2 : 1;
    for (std::size_t i = 0; i < count; ++i) {
      const PassSlot& slot = slots[next_[s] + i];
      const std::int64_t source = neighbour(piece_of(s, slot), slot.kind, -1);
      if (source >= 0 && ends(slot.kind)[cell(source, slot)] < 0) return false;
    }
    for (std::size_t i = 0; i < count; ++i) append(s, slots[next_[s] + i]);
    next_[s] += count;
    return true;
  }

  void append(std::size_t s, const PassSlot& slot) {
    const std::int64_t piece = piece_of(s, slot);
    const auto stage_of = [&](std::int64_t other) {
      return static_cast<std::uint32_t>(schedule_.place_of(other, slot.chunk).first);
    };
    OrderedPass pass;
    pass.stage = pass.from = pass.to = static_cast<std::uint32_t>(s);
    pass.piece = static_cast<std::uint32_t>(piece);
    pass.chunk = static_cast<std::uint16_t>(slot.chunk);
    pass.kind = slot.kind;
    pass.with_next = slot.with_next;
    if (const std::int64_t source = neighbour(piece, slot.kind, -1); source >= 0) {
      pass.waits_for = ends(slot.kind)[cell(source, slot)];
      pass.from = stage_of(source);
    }
    if (const std::int64_t target = neighbour(piece, slot.kind, 1); target >= 0) {
      pass.to = stage_of(target);
    }
    if (slot.kind != PassKind::backward_weight) {
      ends(slot.kind)[cell(piece, slot)] = static_cast<std::int32_t>(out_.size());
    }
    out_.push_back(pass);
  }

  std::vector<std::int32_t>& ends(PassKind kind) {
    return kind == PassKind::forward ? forward_ : backward_;
  }

  const strategies::PipelineSchedule& schedule_;
  std::int64_t copies_;
  std::vector<std::size_t> next_;                 // per stage: slots placed so far
  std::vector<std::int32_t> forward_, backward_;  // place in the order by piece, copy, micro-batch
  std::vector<OrderedPass> out_;
};

}  // namespace

std::vector<OrderedPass> pass_order(const strategies::PipelineSchedule& schedule) {
  return Ordering(schedule).run();
}

}  // namespace studies
