// Delayed scaling of fp8 tensors (Transformer Engine): scales come from the maxima of earlier
// micro-batches, on which ranks agree.
//
// When the outermost autocast ends, the maxima of all its tensors are joined, reduced and turned
// into new scales; those of gradients when the backward of the first module in it ends
// (FP8GlobalStateManager.reduce_and_update_fp8_tensors). Megatron-Core has one autocast around the
// layers of a chunk for this recipe (TransformerBlock.forward), and a checkpoint that runs again
// has one of its own (_CheckpointFunction.backward). All chunks of a rank share the buffers, so
// each reduction takes the maxima of all of them: three a product forward (input, weight, output),
// two backward (the gradients of output and input), in fp32.
#include "models/cost.hpp"
#include "strategies/low_precision.hpp"
#include "strategies/saved.hpp"
#include "strategies/strategy.hpp"

namespace strategies {
namespace {

constexpr std::int64_t kForwardTensors = 3;
constexpr std::int64_t kBackwardTensors = 2;
constexpr std::int64_t kMaximumBytes = 4;

class DelayedScaling final : public Strategy {
 public:
  explicit DelayedScaling(const StepContext& context)
      : Strategy(context), group_(amax_group(*context.training)) {
    for (const Chunk& chunk : context.chunks) {
      for (const Unit& unit : chunk.units) products_ += unit.cost->quantised_products;
    }
  }

  void after_unit(Emitter& emitter, const Pass& pass, std::size_t unit) override {
    if (!group_) return;
    if (pass.forward() ? ends_forward(pass, unit) : ends_backward(pass, unit)) {
      update(emitter, pass.forward() ? kForwardTensors : kBackwardTensors);
    }
  }

 private:
  static bool has_products(const Chunk& chunk, std::size_t unit) {
    return chunk.units[unit].cost->quantised_products > 0;
  }

  // Of the chunk, or of the checkpoint that runs again.
  bool ends_forward(const Pass& pass, std::size_t unit) const {
    const Chunk& chunk = *pass.chunk;
    if (!has_products(chunk, unit)) return false;
    for (std::size_t next = unit + 1; next < chunk.units.size(); ++next) {
      const bool apart = pass.recompute && (!rebuilt_in_backward(context(), chunk, next) ||
                                            keeps_checkpoint(context(), chunk, next));
      if (apart) return true;
      if (has_products(chunk, next)) return false;
    }
    return true;
  }

  static bool ends_backward(const Pass& pass, std::size_t unit) {
    if (!pass.data_gradient() || !has_products(*pass.chunk, unit)) return false;
    for (std::size_t before = 0; before < unit; ++before) {
      if (has_products(*pass.chunk, before)) return false;
    }
    return true;
  }

  void update(Emitter& emitter, std::int64_t tensors) const {
    const sim::Bytes maxima{products_ * tensors * kMaximumBytes};
    emitter.allocate(sim::MemoryCategory::buffers, maxima);
    kernel(emitter, maxima * 2, "joined maxima");
    emitter.wait(emitter.collective({*group_, collectives::Kind::all_reduce, maxima, Stream::maxima,
                                     *group_ == GroupKind::stage ? Activity::dp : Activity::tp,
                                     false, "amax all-reduce"}));
    // History and scale are read and written, too.
    kernel(emitter, maxima * 4, "new scales");
    emitter.free(sim::MemoryCategory::buffers, maxima);
  }

  void kernel(Emitter& emitter, sim::Bytes bytes, const char* name) const {
    emitter.compute(
        {Activity::other, models::streaming_time(bytes, *context().device), 1, 0.0, name});
  }

  std::optional<GroupKind> group_;
  std::int64_t products_ = 0;
};

}  // namespace

std::unique_ptr<Strategy> make_delayed_scaling(const StepContext& context) {
  return std::make_unique<DelayedScaling>(context);
}

}  // namespace strategies
