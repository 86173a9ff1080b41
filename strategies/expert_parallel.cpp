// Expert parallelism (GShard, arXiv 2006.16668; Megatron-Core's all-to-all dispatcher): tokens go
// to the ranks that hold their experts and come back, forward and backward; with expert tensor
// parallelism the tokens of an expert are gathered over, and its outputs scattered to, those ranks.
#include "strategies/strategy.hpp"

namespace strategies {
namespace {

using models::Region;

class ExpertParallel final : public Strategy {
 public:
  using Strategy::Strategy;

  // Forward: dispatch sits before the experts' matrices, combine after them; backward mirrors it.
  void before_region(Emitter& emitter, const Pass& pass, const Unit& unit, Region region) override {
    if (!unit.cost->at(Region::router).present) return;
    if (!pass.forward() && !pass.data_gradient()) return;
    if (region == (pass.forward() ? Region::mlp_in : Region::mlp_out)) {
      exchange(emitter);
      tensor(emitter, collectives::Kind::all_gather);
    }
  }

  void after_region(Emitter& emitter, const Pass& pass, const Unit& unit, Region region) override {
    if (!unit.cost->at(Region::router).present) return;
    if (!pass.forward() && !pass.data_gradient()) return;
    if (region == (pass.forward() ? Region::mlp_out : Region::mlp_in)) {
      tensor(emitter, collectives::Kind::reduce_scatter);
      exchange(emitter);
    }
  }

 private:
  void exchange(Emitter& emitter) {
    if (plan().ep == 1) return;
    emitter.wait(emitter.collective({GroupKind::expert, collectives::Kind::all_to_all,
                                     context().costs->dispatched_tokens(), Stream::expert,
                                     Activity::ep, false, "ep all-to-all"}));
  }

  void tensor(Emitter& emitter, collectives::Kind kind) {
    if (plan().etp == 1) return;
    emitter.wait(emitter.collective({GroupKind::expert_tensor, kind,
                                     context().costs->dispatched_tokens() * plan().etp,
                                     Stream::expert, Activity::ep, false, "etp exchange"}));
  }
};

}  // namespace

std::unique_ptr<Strategy> make_expert_parallel(const StepContext& context) {
  return std::make_unique<ExpertParallel>(context);
}

}  // namespace strategies
