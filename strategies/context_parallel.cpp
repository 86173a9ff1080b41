// Context parallelism: the tokens of a sequence are split over ranks; only attention communicates.
//
// ring (arXiv 2310.01889; Megatron-Core p2p): keys and values travel around the ring while the
//   parts that are there are worked on; backward passes them once more and their gradients back.
// allgather (Llama 3, arXiv 2407.21783 §3.3.2): keys and values are gathered before attention.
// ulysses (arXiv 2309.14509): all-to-all from split sequence to split heads, and back.
// hybrid (USP, arXiv 2405.07719; Megatron-Core a2a+p2p): ulysses inside groups, a ring between
// them.
#include "strategies/strategy.hpp"

namespace strategies {
namespace {

using models::Region;

class ContextParallel final : public Strategy {
 public:
  using Strategy::Strategy;

  void before_region(Emitter& emitter, const Pass& pass, const Unit&, Region region) override {
    if (region != Region::attention_core) return;
    if (!pass.forward() && !pass.data_gradient()) return;
    if (exchanges()) {
      emitter.wait(exchange(emitter, pass.forward() ? context().costs->queries_keys_values()
                                                    : context().costs->attention_output()));
    }
    const sim::Bytes kv = context().costs->keys_and_values() * ring();
    if (plan().cp_type == CpType::allgather) emitter.wait(gather(emitter, kv));
    if (plan().cp_type == CpType::ring || plan().cp_type == CpType::hybrid) {
      start_ring(emitter, pass, kv);
    }
  }

  void after_data_gradient(Emitter& emitter, const Pass& pass, const Unit&,
                           Region region) override {
    if (region != Region::attention_core || !pass.data_gradient()) return;
    if (plan().cp_type == CpType::allgather) {
      emitter.wait(emitter.collective({GroupKind::context, collectives::Kind::reduce_scatter,
                                       context().costs->keys_and_values() * ring(), Stream::context,
                                       Activity::cp, false, "cp reduce-scatter"}));
    }
    if (exchanges()) emitter.wait(exchange(emitter, context().costs->queries_keys_values()));
  }

  void after_region(Emitter& emitter, const Pass& pass, const Unit&, Region region) override {
    if (region != Region::attention_core || !pass.forward()) return;
    if (exchanges()) emitter.wait(exchange(emitter, context().costs->attention_output()));
  }

 private:
  bool hybrid() const { return plan().cp_type == CpType::hybrid; }
  bool exchanges() const {
    return plan().cp_type == CpType::ulysses || (hybrid() && plan().cp_ulysses > 1);
  }
  // Ranks that share keys and values of the same heads.
  std::int64_t ring() const { return hybrid() ? plan().cp / plan().cp_ulysses : plan().cp; }

  OpIndex gather(Emitter& emitter, sim::Bytes bytes) const {
    return emitter.collective({hybrid() ? GroupKind::context_ring : GroupKind::context,
                               collectives::Kind::all_gather, bytes, Stream::context, Activity::cp,
                               plan().cp_type != CpType::allgather, "cp all-gather"});
  }

  OpIndex exchange(Emitter& emitter, sim::Bytes bytes) const {
    return emitter.collective({hybrid() ? GroupKind::context_heads : GroupKind::context,
                               collectives::Kind::all_to_all, bytes, Stream::context, Activity::cp,
                               false, "cp all-to-all"});
  }

  // The ring's exchanges, as one collective of the same bytes beside all but the last block's
  // attention. Backward moves keys and values as forward does, and their gradients with them.
  void start_ring(Emitter& emitter, const Pass& pass, sim::Bytes kv) const {
    if (ring() == 1) return;
    const OpIndex around = gather(emitter, pass.forward() ? kv : kv * 2);
    emitter.wait_late(around, 1.0 / static_cast<double>(ring()));
  }
};

}  // namespace

std::unique_ptr<Strategy> make_context_parallel(const StepContext& context) {
  return std::make_unique<ContextParallel>(context);
}

}  // namespace strategies
