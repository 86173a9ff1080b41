// Pipeline parallelism: receives the activation (or its gradient) before a pass and sends the
// result after it. Which passes run in which order is the schedule's business.
//
// A message is the hidden state of the rank's tokens; with sequence parallelism, or where the
// implementation scatters before it sends, 1/tp of it.
#include "strategies/states.hpp"
#include "strategies/strategy.hpp"

namespace strategies {
namespace {

class PipelineParallel final : public Strategy {
 public:
  using Strategy::Strategy;

  void step_begin(Emitter& emitter) override { receive_buffers(emitter, true); }
  void step_end(Emitter& emitter) override { receive_buffers(emitter, false); }

  void before_pass(Emitter& emitter, const Pass& pass) override {
    if (pass.recompute || pass.kind == PassKind::backward_weight) return;
    const std::int64_t piece = pass.chunk->piece;
    const std::int64_t source = pass.forward() ? piece - 1 : piece + 1;
    if (!remote(source, pass)) return;
    const OpIndex message = emitter.receive(group_towards(source, pass), key(source, pass),
                                            implementation().p2p_synchronises);
    emitter.wait(message);
    if (scatters()) emitter.wait(gather(emitter));
  }

  void after_pass(Emitter& emitter, const Pass& pass) override {
    if (pass.recompute || pass.kind == PassKind::backward_weight) return;
    const std::int64_t piece = pass.chunk->piece;
    if (implementation().keeps_stage_outputs && remote(piece + 1, pass)) hold_output(emitter, pass);
    const std::int64_t target = pass.forward() ? piece + 1 : piece - 1;
    if (!remote(target, pass)) return;
    const OpIndex sent =
        emitter.send(group_towards(target, pass), bytes(), key(piece, pass), plan().overlap.p2p);
    // Without overlap send and receive are one blocking batch: the next pass waits for both.
    if (!plan().overlap.p2p) emitter.wait(sent);
  }

  // First and last stage hold one copy each of a shared embedding and add up its gradients.
  void before_optimizer(Emitter& emitter) override {
    const models::Transformer* model = context().model->transformer();
    if (!model || !embedding_at_both_ends(*model)) return;
    if (context().holds_first_piece() == context().holds_last_piece()) return;
    const std::int64_t rows = tied_embedding_parameters(*model, plan(), implementation());
    emitter.wait(
        emitter.collective({GroupKind::embedding, collectives::Kind::all_reduce,
                            wire_size(rows, gradient_wire_bytes(training(), implementation())),
                            Stream::reduce, Activity::dp, false, "embedding all-reduce"}));
  }

 private:
  // The stage of the neighbouring piece. Where every piece is there twice, a micro-batch stays with
  // the copy of its direction, which is the chunk it is in.
  std::int64_t stage_of(std::int64_t piece, const Pass& pass) const {
    return context().schedule->place_of(piece, pass.chunk_index).first;
  }

  bool remote(std::int64_t piece, const Pass& pass) const {
    if (piece < 0 || piece >= context().pieces()) return false;
    return stage_of(piece, pass) != context().stage;
  }

  GroupKind group_towards(std::int64_t piece, const Pass& pass) const {
    const std::int64_t other = stage_of(piece, pass);
    const bool next = other == (context().stage + 1) % plan().pp;
    const bool previous = other == (context().stage + plan().pp - 1) % plan().pp;
    // With two stages both are true: forward messages count as next, by the piece order.
    if (next && previous) {
      return other > context().stage ? GroupKind::next_stage : GroupKind::previous_stage;
    }
    return next ? GroupKind::next_stage : GroupKind::previous_stage;
  }

  // Unique per message: the step, the piece that sends it, direction, micro-batch.
  static std::uint64_t key(std::int64_t from_piece, const Pass& pass) {
    return (static_cast<std::uint64_t>(pass.step) << 50) |
           (static_cast<std::uint64_t>(from_piece) << 33) |
           (static_cast<std::uint64_t>(pass.forward()) << 32) |
           static_cast<std::uint64_t>(pass.micro_batch);
  }

  sim::Bytes stage_output() const {
    return sim::Bytes{context().costs->hidden_state().count() /
                      (plan().sequence_parallel ? plan().tp : 1)};
  }

  void hold_output(Emitter& emitter, const Pass& pass) const {
    if (pass.forward()) {
      emitter.allocate(sim::MemoryCategory::activations, stage_output());
    } else {
      emitter.free(sim::MemoryCategory::activations, stage_output());
    }
  }

  // One for what the stage before sends, one for gradients from the stage behind.
  void receive_buffers(Emitter& emitter, bool arrive) const {
    if (!implementation().keeps_stage_outputs) return;
    const std::int64_t count =
        (context().stage > 0 ? 1 : 0) + (context().stage + 1 < plan().pp ? 1 : 0);
    const sim::Bytes bytes = stage_output() * count;
    if (arrive) {
      emitter.allocate(sim::MemoryCategory::buffers, bytes);
    } else {
      emitter.free(sim::MemoryCategory::buffers, bytes);
    }
  }

  bool scatters() const {
    return plan().tp > 1 && !plan().sequence_parallel && implementation().scatter_gather_p2p;
  }

  sim::Bytes bytes() const {
    const bool split = plan().sequence_parallel || scatters();
    return sim::Bytes{context().costs->hidden_state().count() / (split ? plan().tp : 1)};
  }

  OpIndex gather(Emitter& emitter) {
    return emitter.collective({GroupKind::tensor, collectives::Kind::all_gather,
                               context().costs->hidden_state(), Stream::tensor, Activity::pp, false,
                               "p2p all-gather"});
  }
};

}  // namespace

std::unique_ptr<Strategy> make_pipeline_parallel(const StepContext& context) {
  return std::make_unique<PipelineParallel>(context);
}

}  // namespace strategies
