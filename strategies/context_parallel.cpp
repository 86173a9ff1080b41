// Context parallelism: the tokens of a sequence are split over ranks; only attention communicates.
//
// ring (arXiv 2310.01889; Megatron-Core p2p): keys and values travel around the ring while the
//   parts that are there are worked on; backward passes them once more and their gradients back.
// allgather (Llama 3, arXiv 2407.21783 §3.3.2): keys and values are gathered before attention.
// ulysses (arXiv 2309.14509): all-to-all from split sequence to split heads, and back.
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
    const sim::Bytes kv = whole(context().costs->keys_and_values());
    switch (plan().cp_type) {
      case CpType::allgather:
        emitter.wait(gather(emitter, kv));
        break;
      case CpType::ring:
        start_ring(emitter, pass, kv);
        break;
      case CpType::ulysses:
        emitter.wait(exchange(emitter, pass.forward() ? context().costs->queries_keys_values()
                                                      : context().costs->attention_output()));
        break;
    }
  }

  void after_data_gradient(Emitter& emitter, const Pass& pass, const Unit&,
                           Region region) override {
    if (region != Region::attention_core || !pass.data_gradient()) return;
    finish_backward(emitter);
  }

  void after_region(Emitter& emitter, const Pass& pass, const Unit&, Region region) override {
    if (region != Region::attention_core || !pass.forward()) return;
    if (plan().cp_type == CpType::ulysses) {
      emitter.wait(exchange(emitter, context().costs->attention_output()));
    }
  }

 private:
  sim::Bytes whole(sim::Bytes of_rank) const { return of_rank * plan().cp; }

  OpIndex gather(Emitter& emitter, sim::Bytes bytes) {
    return emitter.collective({GroupKind::context, collectives::Kind::all_gather, bytes,
                               Stream::context, Activity::cp, plan().cp_type == CpType::ring,
                               "cp all-gather"});
  }

  OpIndex exchange(Emitter& emitter, sim::Bytes bytes) {
    return emitter.collective({GroupKind::context, collectives::Kind::all_to_all, bytes,
                               Stream::context, Activity::cp, false, "cp all-to-all"});
  }

  // The ring's exchanges, as one collective of the same bytes beside all but the last block's
  // attention. Backward moves keys and values as forward does, and their gradients with them.
  void start_ring(Emitter& emitter, const Pass& pass, sim::Bytes kv) {
    const OpIndex ring = gather(emitter, pass.forward() ? kv : kv * 2);
    emitter.wait_late(ring, 1.0 / static_cast<double>(plan().cp));
  }

  void finish_backward(Emitter& emitter) {
    if (plan().cp_type == CpType::allgather) {
      emitter.wait(emitter.collective({GroupKind::context, collectives::Kind::reduce_scatter,
                                       whole(context().costs->keys_and_values()), Stream::context,
                                       Activity::cp, false, "cp reduce-scatter"}));
    } else if (plan().cp_type == CpType::ulysses) {
      emitter.wait(exchange(emitter, context().costs->queries_keys_values()));
    }
  }
};

}  // namespace

std::unique_ptr<Strategy> make_context_parallel(const StepContext& context) {
  return std::make_unique<ContextParallel>(context);
}

}  // namespace strategies
