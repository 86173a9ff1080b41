#include "strategies/late_buffers.hpp"

#include <algorithm>
#include <deque>
#include <tuple>

#include "sim/contracts.hpp"

namespace strategies {
namespace {

class Walk {
 public:
  Walk(const StepContext& context, const Program& program, std::span<const OpTimes> times)
      : program_(program), times_(times), warm_up_ends_(warm_up(context)) {}

  sim::Bytes run() {
    std::size_t event = 0;
    const auto events = program_.memory_events();
    for (OpIndex i = 0; i <= program_.size(); ++i) {
      for (; event < events.size() && events[event].position <= i; ++event) {
        allocated_ += events[event].bytes;
        most_allocated_ = std::max(most_allocated_, allocated_);
        most_ = std::max(most_, allocated_ + waiting_);
      }
      if (i < program_.size()) issue(i);
    }
    return sim::Bytes{most_ - most_allocated_};
  }

 private:
  struct Buffer {
    OpIndex op = 0;
    std::int64_t launches = 0;  // issued before it
    std::int64_t bytes = 0;
  };

  // Position of the first stage's first gradient.
  OpIndex warm_up(const StepContext& context) const {
    if (context.stage != 0 || context.plan->pp == 1) return 0;
    const auto ops = program_.ops();
    const auto found = std::find_if(ops.begin(), ops.end(),
                                    [](const Op& op) { return op.kind == OpKind::receive; });
    return static_cast<OpIndex>(found - ops.begin());
  }

  void issue(OpIndex index) {
    const Op& op = program_.op(index);
    const auto unit = std::tuple(op.chunk, op.micro_batch, op.layer);
    if (op.kind != OpKind::compute && unit != unit_) {  // the unit before has let go of its own
      unit_ = unit;
      for (const Buffer& buffer : in_use_) waiting_ += buffer.bytes;
      late_.insert(late_.end(), in_use_.begin(), in_use_.end());
      in_use_.clear();
    }
    while (!late_.empty() && passed(late_.front(), index)) {
      waiting_ -= late_.front().bytes;
      late_.pop_front();
    }
    if (op.recorded > sim::Bytes{0}) in_use_.push_back({index, launches_, op.recorded.count()});
    launches_ += op.launches;
  }

  // Whether the device is done with it when the host issues `index`.
  bool passed(const Buffer& buffer, OpIndex index) const {
    if (launches_ - buffer.launches > kLaunchQueue) return true;
    if (buffer.op < warm_up_ends_ && index < warm_up_ends_ &&
        program_.op(buffer.op).micro_batch >= 2) {
      return false;
    }
    return times_.empty() || times_[buffer.op].finished <= times_[index].issued;
  }

  const Program& program_;
  std::span<const OpTimes> times_;
  OpIndex warm_up_ends_;
  std::tuple<std::int16_t, std::int32_t, std::int32_t> unit_{};
  std::vector<Buffer> in_use_;  // of the unit that runs: part of what is allocated
  std::deque<Buffer> late_;
  std::int64_t launches_ = 0;
  std::int64_t allocated_ = 0, waiting_ = 0;
  std::int64_t most_allocated_ = 0, most_ = 0;
};

}  // namespace

sim::Bytes late_buffers(const StepContext& context, const Program& program,
                        std::span<const OpTimes> times) {
  SIM_EXPECTS(times.empty() || times.size() == program.size(), "an operation has no times");
  return Walk(context, program, times).run();
}

}  // namespace strategies
