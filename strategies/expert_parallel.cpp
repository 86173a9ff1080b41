// Expert parallelism (GShard, arXiv 2006.16668; Megatron-Core's dispatchers): tokens go to the
// ranks that hold their experts and come back, forward and backward; with expert tensor parallelism
// the tokens of an expert are gathered over, and its outputs scattered to, those ranks.
//
// alltoall: every token copy travels to its expert: tokens x top_k x hidden a rank and exchange,
//   and, in an exchange of its own, its routing weight (fp32), whose gradient comes back
//   (Megatron-Core's `token_dispatch`).
// allgather: every rank gets all tokens of the group, and the outputs are reduce-scattered. The
//   weights and the map of all experts go apart.
// node_limited: a token travels once to each node that holds an expert of it, at most
//   `moe.node_limit`, along its rail, and is handed on there over NVLink; both at once
//   (DeepSeek-V3, arXiv 2412.19437 §3.2.2). Combining goes the same way back.
// Tokens on their way out may travel in fp8; results come back in 16 bits. Backward of a combine
// is a dispatch, and the reverse.
#include <algorithm>
#include <optional>

#include "strategies/expert_load.hpp"
#include "strategies/low_precision.hpp"
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
    if (!pass.forward() && region == Region::combine) call_parts(emitter);
    if (!pass.forward() && region == Region::dispatch) settle(emitter);
    // With overlap the backward of the combine runs beside that of the shared expert.
    const bool beside = plan().overlap.ep && !pass.forward();
    if (beside && region == Region::shared_expert)
      under_way_ = exchange(emitter, Kind::all_gather, pass.forward());
    if (region != (pass.forward() ? Region::mlp_in : Region::mlp_out)) return;
    if (!under_way_) under_way_ = exchange(emitter, Kind::all_gather, pass.forward());
    settle(emitter);
    tensor(emitter, Kind::all_gather);
  }

  void after_region(Emitter& emitter, const Pass& pass, const Unit& unit, Region region) override {
    if (!takes_part(pass, unit)) return;
    // Grouped products are issued by the host, which has to know how many tokens each expert gets.
    const bool counts = pass.forward() && !pass.recompute && region == Region::router;
    if (counts && drops_none() && !in_graph()) tell_sizes(emitter);
    if (region == Region::shared_expert) settle(emitter);
    if (region != (pass.forward() ? Region::mlp_out : Region::mlp_in)) return;
    tensor(emitter, Kind::reduce_scatter);
    under_way_ = exchange(emitter, Kind::reduce_scatter, pass.forward());
    const bool beside =
        plan().overlap.ep && pass.forward() && unit.cost->at(Region::shared_expert).present;
    // Delayed weight gradients are written before the next region, where it is settled.
    const bool delayed = plan().overlap.delay_wgrad && !pass.forward() && pass.weight_gradient();
    if (!beside && !delayed) settle(emitter);
  }

 private:
  static bool takes_part(const Pass& pass, const Unit& unit) {
    return unit.cost->at(Region::router).present && (pass.forward() || pass.data_gradient());
  }

  // Passes side by side are cut into parts (attention, router, dispatch, experts, combine:
  // TransformerLayerSchedulePlan of Megatron-Core), each of which is a call of autograd in
  // backward. That takes the host 89 and 130 us more than a node in a chain (linear_backward_call
  // and linear_backward_in_chain in models/fit/measured/*/host.csv), 110 on average: five calls are
  // 14 launches of 40 us, measured on the same hosts.
  void call_parts(Emitter& emitter) const {
    constexpr int kLaunches = 14;
    if (!plan().overlap.ep_passes) return;
    emitter.compute({Activity::backward, sim::Time::zero(), kLaunches, 0.0, "parts"});
  }

  std::optional<OpIndex> exchange(Emitter& emitter, Kind gathering, bool forward) const {
    if (plan().ep == 1) return std::nullopt;
    const bool gathers = plan().ep_dispatch == EpDispatch::allgather;
    const bool dispatches = gathering == Kind::all_gather;
    Collective what{GroupKind::expert,
                    gathers ? gathering : Kind::all_to_all,
                    on_the_wire(gathers ? all_tokens() : copies(), dispatches),
                    Stream::expert,
                    Activity::ep,
                    plan().overlap.ep,
                    gathers ? "ep exchange" : "ep all-to-all"};
    send_weights(emitter, what, sim::Bytes::ceil(weight_bytes(gathering, forward)));
    if (plan().ep_dispatch == EpDispatch::node_limited) {
      what.forwarded = what.bytes;
      what.bytes = sim::Bytes::ceil(what.bytes.as_double() * visits_per_copy());
    }
    return emitter.collective(what);
  }

  // An exchange of its own beside the tokens'. A pass that shares its stage with another gives it
  // its turn with the tokens, not here ("overlapped").
  static void send_weights(Emitter& emitter, Collective what, sim::Bytes weights) {
    if (weights == sim::Bytes{0}) return;
    what.bytes = weights;
    what.overlapped = true;
    what.name = "ep weights";
    emitter.collective(what);
  }

  // How many tokens each expert gets from each rank. Ranks tell each other (int64), then the host
  // reads what it needs to size buffers and products: four small tensors (Megatron-Core's
  // `preprocess` and `_maybe_dtoh_and_synchronize`), over a communicator of its own, so not behind
  // the tokens of another micro-batch, nor a reason to let that one compute ("overlapped"). An
  // exchange that routes begins with them, on the stream that tokens travel on, and the host waits
  // for its signal there (DeepEP: "an implicit CPU wait for GPU received count signal").
  void tell_sizes(Emitter& emitter) const {
    const models::Moe& moe = *context().model->transformer()->moe;
    int copied = 1;
    Collective counts{GroupKind::expert, Kind::all_gather, sim::Bytes{8 * moe.experts * plan().ep},
                      Stream::tensor,    Activity::ep,     true,
                      "ep counts"};
    if (plan().ep > 1 && plan().ep_dispatch == EpDispatch::node_limited) {
      counts.stream = Stream::expert;
      counts.synchronises = true;
      emitter.collective(counts);
      return;
    }
    if (plan().ep > 1 && plan().ep_dispatch == EpDispatch::alltoall) {
      copied = 4;
      emitter.wait(emitter.collective(counts));
    }
    emitter.compute(
        {Activity::forward, context().device->kernel_gap * copied, copied, 0.0, "counts"});
    emitter.synchronise();
  }

  // Routing weights (fp32) go out with the tokens, and their gradients come back; gathered, those
  // of all experts and a byte each that says which chose the token.
  double weight_bytes(Kind gathering, bool forward) const {
    const bool outward = (gathering == Kind::all_gather) == forward;
    if (!outward || plan().ep_dispatch == EpDispatch::node_limited) return 0.0;
    const models::Transformer& model = *context().model->transformer();
    const double tokens = context().costs->dispatched_tokens().as_double() / element(model.hidden);
    if (plan().ep_dispatch == EpDispatch::alltoall) return 4.0 * tokens;
    const double own = all_tokens().as_double() / element(model.hidden);
    return own * static_cast<double>(model.moe->experts) * (forward ? 5.0 : 4.0);
  }

  double element(std::int64_t hidden) const {
    return static_cast<double>(hidden) * std::max(2.0, models::element_bytes(training().precision));
  }

  // Of 16 bits, or of the 8 that a dispatch can take, with the scales of its blocks.
  sim::Bytes on_the_wire(sim::Bytes tokens, bool dispatches) const {
    const double whole = models::element_bytes(plan().ep_dispatch_dtype);
    if (!dispatches || whole >= 2.0) return tokens;
    return sim::Bytes::ceil(tokens.as_double() * (whole + scale_bytes(training())) / 2.0);
  }

  sim::Bytes all_tokens() const {
    const sim::Bytes own = context().costs->hidden_state();
    return sim::Bytes{own.count() / (plan().sequence_parallel ? plan().tp : 1)} * plan().ep;
  }

  sim::Bytes copies() const { return context().costs->dispatched_tokens(); }

  double visits_per_copy() const {
    const models::Moe& moe = *context().model->transformer()->moe;
    return visited_domains(moe, context().expert_domains) / static_cast<double>(moe.top_k);
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
