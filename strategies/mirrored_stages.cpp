// The second copy of a bidirectional pipeline (DualPipe, arXiv 2412.19437 §3.2.1): stages s and
// pp - 1 - s hold the same two pieces and see half of the micro-batches each, so that their
// gradients have to be added up. After the data-parallel reduction each rank does so with its
// mirror image, for the gradients it then holds: all of them, or its shard from ZeRO-1 on. Both go
// on to the same optimizer step. (The example of github.com/deepseek-ai/DualPipe adds the mirror's
// gradients, too; how DeepSeek's own trainer does is not published.)
#include "strategies/states.hpp"
#include "strategies/strategy.hpp"

namespace strategies {
namespace {

class MirroredStages final : public Strategy {
 public:
  using Strategy::Strategy;

  void before_optimizer(Emitter& emitter) override {
    const ParameterSet held = stage_parameters(context());
    const std::int64_t elements =
        plan().zero == 0 ? held.dense + held.expert : shard_elements(context(), held);
    emitter.wait(
        emitter.collective({GroupKind::mirror, collectives::Kind::all_reduce,
                            wire_size(elements, gradient_wire_bytes(training(), implementation())),
                            Stream::reduce, Activity::dp, false, "mirror all-reduce"}));
  }
};

}  // namespace

std::unique_ptr<Strategy> make_mirrored_stages(const StepContext& context) {
  return std::make_unique<MirroredStages>(context);
}

}  // namespace strategies
