// Expert parallelism (GShard, arXiv 2006.16668; Megatron-Core's dispatchers): tokens go to the
// ranks that hold their experts and come back, forward and backward; with expert tensor parallelism
// the tokens of an expert are gathered over, and its outputs scattered to, those ranks.
//
// alltoall: every token copy travels to its expert: tokens x top_k x hidden a rank and exchange.
// allgather: every rank gets all tokens of the group, and the outputs are reduce-scattered.
// node_limited: a token travels once to each of at most `moe.node_limit` nodes and is copied on
//   there over NVLink, beside the exchange (DeepSeek-V3, arXiv 2412.19437 §3.2.2).
#include <algorithm>
#include <optional>

#include "strategies/strategy.hpp"

namespace strategies {
namespace {

using collectives::Kind;
using models::Region;

class ExpertParallel final : public Strategy {
 public:
  using Strategy::Strategy;

  // Forward: dispatch sits before the experts' matrices, combine after them; backward mirrors it.
  void before_region(Emitter& emitter, const Pass& pass, const Unit& unit, Region region) override {
    if (!takes_part(pass, unit)) return;
    // With overlap the backward of the combine runs beside that of the shared expert.
    const bool beside = plan().overlap.ep && !pass.forward();
    if (beside && region == Region::shared_expert) under_way_ = exchange(emitter, Kind::all_gather);
    if (region != (pass.forward() ? Region::mlp_in : Region::mlp_out)) return;
    if (!under_way_) under_way_ = exchange(emitter, Kind::all_gather);
    settle(emitter);
    tensor(emitter, Kind::all_gather);
  }

  void after_region(Emitter& emitter, const Pass& pass, const Unit& unit, Region region) override {
    if (!takes_part(pass, unit)) return;
    // Grouped products are issued by the host, which has to know how many tokens each expert gets.
    const bool counts = pass.forward() && !pass.recompute && region == Region::router;
    if (counts && drops_none() && !in_graph()) emitter.synchronise();
    if (region == Region::shared_expert) settle(emitter);
    if (region != (pass.forward() ? Region::mlp_out : Region::mlp_in)) return;
    tensor(emitter, Kind::reduce_scatter);
    under_way_ = exchange(emitter, Kind::reduce_scatter);
    const bool beside =
        plan().overlap.ep && pass.forward() && unit.cost->at(Region::shared_expert).present;
    if (!beside) settle(emitter);
  }

 private:
  static bool takes_part(const Pass& pass, const Unit& unit) {
    return unit.cost->at(Region::router).present && (pass.forward() || pass.data_gradient());
  }

  std::optional<OpIndex> exchange(Emitter& emitter, Kind gathering) const {
    if (plan().ep == 1) return std::nullopt;
    const bool gathers = plan().ep_dispatch == EpDispatch::allgather;
    return emitter.collective({GroupKind::expert, gathers ? gathering : Kind::all_to_all,
                               gathers ? all_tokens() : routed_tokens(), Stream::expert,
                               Activity::ep, plan().overlap.ep,
                               gathers ? "ep exchange" : "ep all-to-all"});
  }

  sim::Bytes all_tokens() const {
    const sim::Bytes own = context().costs->hidden_state();
    return sim::Bytes{own.count() / (plan().sequence_parallel ? plan().tp : 1)} * plan().ep;
  }

  sim::Bytes routed_tokens() const {
    const sim::Bytes copies = context().costs->dispatched_tokens();
    const models::Moe& moe = *context().model->transformer()->moe;
    if (plan().ep_dispatch != EpDispatch::node_limited || moe.node_limit == 0) return copies;
    return sim::Bytes{copies.count() / moe.top_k * std::min(moe.node_limit, moe.top_k)};
  }

  bool in_graph() const { return training().cuda_graph && training().cuda_graph_experts; }
  bool drops_none() const { return training().moe_balance != MoeBalance::drop; }

  void settle(Emitter& emitter) {
    if (under_way_) emitter.wait(*under_way_);
    under_way_.reset();
  }

  void tensor(Emitter& emitter, Kind kind) const {
    if (plan().etp == 1) return;
    emitter.wait(emitter.collective({GroupKind::expert_tensor, kind,
                                     context().costs->dispatched_tokens() * plan().etp,
                                     Stream::expert, Activity::ep, false, "etp exchange"}));
  }

  std::optional<OpIndex> under_way_;
};

}  // namespace

std::unique_ptr<Strategy> make_expert_parallel(const StepContext& context) {
  return std::make_unique<ExpertParallel>(context);
}

}  // namespace strategies
