// Tensor parallelism (arXiv 1909.08053), with sequence parallelism (arXiv 2205.05198 §4.2.2).
//
// Per layer and micro-batch, S = the hidden state of the rank's tokens: forward and backward each
// move two all-reduces of S; with sequence parallelism two all-gathers and two reduce-scatters of S
// each, and backward gathers the inputs of the column-parallel matrices once more.
#include <optional>

#include "strategies/states.hpp"
#include "strategies/strategy.hpp"

namespace strategies {
namespace {

using models::Region;

// Regions whose matrices are split by columns (input whole, output split) or rows (the reverse).
bool column_parallel(const Unit& unit, Region region) {
  const bool moe = unit.cost->at(Region::router).present;
  return region == Region::attention_in || region == Region::head ||
         (region == Region::mlp_in && !moe) || region == Region::shared_expert;
}

bool row_parallel(const Unit& unit, Region region) {
  const bool moe = unit.cost->at(Region::router).present;
  return region == Region::attention_out || (region == Region::mlp_out && !moe) ||
         region == Region::embedding || region == Region::shared_expert;
}

class TensorParallel final : public Strategy {
 public:
  using Strategy::Strategy;

  void before_region(Emitter& emitter, const Pass& pass, const Unit& unit, Region region) override {
    if (!unit.cost->is_layer && region != Region::head && region != Region::embedding) return;
    const bool sp = plan().sequence_parallel;
    if (pass.forward()) {
      if (sp && column_parallel(unit, region)) {
        gather_before(emitter, asynchronous(input_gather(region), dropped_in_forward()));
      }
      return;
    }
    if (sp && row_parallel(unit, region) && pass.data_gradient()) {
      // Into a buffer that stays (nanotron's MemoryBuffer).
      gather_before(emitter, asynchronous(all_gather(), part()));
    }
    // The input of a column-parallel matrix was kept split: its weight gradient needs it whole.
    if (sp && column_parallel(unit, region) && pass.weight_gradient() && gathers_again()) {
      regathered_ = emitter.collective(asynchronous(input_gather(region), whole() + part()));
      if (!implementation().tp_backward_overlap) settle(emitter, regathered_);
    }
  }

  void after_data_gradient(Emitter& emitter, const Pass& pass, const Unit& unit,
                           Region region) override {
    if (!column_parallel(unit, region)) return;
    if (pass.data_gradient()) {
      // With it goes the gathered input that was kept.
      const sim::Bytes input = gathers_again() ? sim::Bytes{0} : whole();
      reduced_ = emitter.collective(asynchronous(reduction(), whole() + part() + input));
      if (!implementation().tp_backward_overlap) settle(emitter, reduced_);
    }
    settle(emitter, regathered_);
  }

  void after_region(Emitter& emitter, const Pass& pass, const Unit& unit, Region region) override {
    if (!pass.forward()) {
      settle(emitter, reduced_);
      settle(emitter, regathered_);
      return;
    }
    if (region == Region::loss) reduce_loss(emitter);
    if (!row_parallel(unit, region)) return;
    if (plan().overlap.tp && plan().sequence_parallel && region != Region::embedding) {
      const double first = 1.0 / static_cast<double>(plan().tp);
      emitter.wait(emitter.collective_beside_previous(reduction(), first));
    } else {
      emitter.wait(emitter.collective(reduction()));
    }
  }

 private:
  Collective all_gather() const {
    return {GroupKind::tensor,
            collectives::Kind::all_gather,
            context().costs->hidden_state(),
            Stream::tensor,
            Activity::tp,
            plan().overlap.tp,
            "tp all-gather"};
  }

  // A projection's input, cast before it travels where the implementation does so.
  Collective input_gather(Region region) const {
    Collective out = all_gather();
    if (region != Region::head && gathers_in_fp8(training(), implementation())) {
      out.bytes = sim::Bytes{out.bytes.count() / 2};
    }
    return out;
  }

  // Its buffers are let go of when the unit is over, and recorded: of an exchange, the whole and
  // the part. The reduce-scatters of forward are synchronous and record nothing (pytorch#111431).
  Collective asynchronous(Collective what, sim::Bytes buffers) const {
    if (implementation().gathers_free_late && plan().sequence_parallel) what.recorded = buffers;
    return what;
  }
  sim::Bytes whole() const { return context().costs->hidden_state(); }
  sim::Bytes part() const { return sim::Bytes{whole().count() / plan().tp}; }
  // What forward drops behind a gather: its result, or, where that is kept, what went into it.
  sim::Bytes dropped_in_forward() const { return gathers_again() ? whole() : part(); }

  // Kept for backward, unless recomputed: full recomputation gathers within its own forward.
  bool gathers_again() const {
    return !implementation().tp_keeps_gathered || training().recompute.mode == Recompute::selective;
  }

  Collective reduction() const {
    const bool sp = plan().sequence_parallel;
    return {GroupKind::tensor,
            sp ? collectives::Kind::reduce_scatter : collectives::Kind::all_reduce,
            context().costs->hidden_state(),
            Stream::tensor,
            Activity::tp,
            plan().overlap.tp || implementation().tp_backward_overlap,
            sp ? "tp reduce-scatter" : "tp all-reduce"};
  }

  void gather_before(Emitter& emitter, const Collective& gather) {
    const OpIndex gathered = emitter.collective(gather);
    if (plan().overlap.tp) {
      // Ring-exchange GEMM: each part of the input is multiplied while the next one arrives.
      emitter.wait_late(gathered, 1.0 / static_cast<double>(plan().tp));
    } else {
      emitter.wait(gathered);
    }
  }

  // Vocabulary-parallel cross entropy: maximum, target logit and sum of exponentials, fp32 a token.
  void reduce_loss(Emitter& emitter) {
    Collective small = reduction();
    small.kind = collectives::Kind::all_reduce;
    small.bytes = sim::Bytes{context().costs->tokens() * 4};
    small.name = "loss all-reduce";
    small.overlapped = false;
    for (int i = 0; i < 3; ++i) emitter.wait(emitter.collective(small));
  }

  static void settle(Emitter& emitter, std::optional<OpIndex>& handle) {
    if (handle) emitter.wait(*handle);
    handle.reset();
  }

  std::optional<OpIndex> regathered_;
  std::optional<OpIndex> reduced_;
};

}  // namespace

std::unique_ptr<Strategy> make_tensor_parallel(const StepContext& context) {
  return std::make_unique<TensorParallel>(context);
}

}  // namespace strategies
