// Activations and parameters in host memory: activations leave after a unit's forward and come back
// for its backward (Transformer Engine's cpu_offload), parameters come before every use of a unit
// (ZeRO-Infinity, arXiv 2104.07857 §5). The optimizer is in host_optimizer.cpp.
//
// Copies run beside compute on the two copy engines, one unit ahead: a unit's activations have left
// the device when the next unit is done, what a unit needs is fetched while the one before it runs.
// Per rank and step, of the parts that are offloaded: activations go down once and come up once,
// parameters (with ZeRO-3 the shard) come up twice a micro-batch.
#include <map>
#include <optional>
#include <tuple>

#include "strategies/saved.hpp"
#include "strategies/states.hpp"
#include "strategies/strategy.hpp"

namespace strategies {
namespace {

using sim::MemoryCategory;

class Offloaded final : public Strategy {
 public:
  using Strategy::Strategy;

  void before_unit(Emitter& emitter, const Pass& pass, std::size_t unit) override {
    if (pass.recompute) return;
    need_parameters(emitter, pass, unit);
    if (!pass.forward()) need_activations(emitter, pass, unit);
  }

  void after_unit(Emitter& emitter, const Pass& pass, std::size_t unit) override {
    if (pass.recompute) return;
    drop_parameters(emitter, pass, unit);
    if (pass.forward()) {
      store_activations(emitter, pass, unit);
    } else if (pass.weight_gradient()) {
      drop_activations(emitter, pass, unit);
    }
  }

  void before_optimizer(Emitter& emitter) override { settle(emitter); }

 private:
  using Key = std::tuple<std::int64_t, std::int64_t, std::size_t>;  // chunk, micro-batch, unit

  static Key key(const Pass& pass, std::size_t unit) {
    return {pass.chunk_index, pass.micro_batch, unit};
  }

  OpIndex down(Emitter& emitter, sim::Bytes bytes, const char* name) const {
    return emitter.collective({GroupKind::to_host, collectives::Kind::send_recv, bytes,
                               Stream::copy, Activity::offload, true, name, on_nvme(bytes)});
  }

  OpIndex up(Emitter& emitter, sim::Bytes bytes, const char* name) const {
    return emitter.collective({GroupKind::from_host, collectives::Kind::send_recv, bytes,
                               Stream::fetch, Activity::offload, true, name, on_nvme(bytes)});
  }

  // What is kept on drives streams through the host's memory.
  sim::Bytes on_nvme(sim::Bytes bytes) const { return plan().offload.nvme ? bytes : sim::Bytes{0}; }

  sim::Bytes moved_activations(const Pass& pass, std::size_t unit) const {
    const sim::Bytes kept = kept_for_backward(context(), *pass.chunk, unit);
    return kept - stays_on_device(context(), kept);
  }

  // Backward of the model's last unit follows its forward at once: copying would gain nothing.
  bool stays(const Pass& pass, std::size_t unit) const {
    return pass.chunk->piece == context().pieces() - 1 && unit + 1 == pass.chunk->units.size();
  }

  void store_activations(Emitter& emitter, const Pass& pass, std::size_t unit) {
    const sim::Bytes bytes = moved_activations(pass, unit);
    if (bytes == sim::Bytes{0}) return;
    settle(emitter);
    emitter.allocate(MemoryCategory::activations, bytes);
    if (stays(pass, unit)) return;
    leaving_ = Leaving{down(emitter, bytes, "activations to host"), bytes, key(pass, unit)};
  }

  // The copy under way has to end before its memory is free.
  void settle(Emitter& emitter) {
    if (!leaving_) return;
    emitter.wait(leaving_->copy);
    emitter.free(MemoryCategory::activations, leaving_->bytes);
    leaving_.reset();
  }

  void need_activations(Emitter& emitter, const Pass& pass, std::size_t unit) {
    if (plan().offload.activations == 0.0) return;
    const std::size_t source = checkpoint_of(pass, unit);
    fetch_activations(emitter, pass, source);
    const auto found = fetched_.find(key(pass, source));
    if (found != fetched_.end() && found->second) {
      emitter.wait(*found->second);
      found->second.reset();
    }
    if (source > 0) fetch_activations(emitter, pass, checkpoint_of(pass, source - 1));
  }

  // The unit whose kept activations the backward of `unit` starts from.
  std::size_t checkpoint_of(const Pass& pass, std::size_t unit) const {
    while (unit > 0 && rebuilt_in_backward(context(), *pass.chunk, unit) &&
           !keeps_checkpoint(context(), *pass.chunk, unit)) {
      --unit;
    }
    return unit;
  }

  void fetch_activations(Emitter& emitter, const Pass& pass, std::size_t unit) {
    const sim::Bytes bytes = moved_activations(pass, unit);
    if (bytes == sim::Bytes{0} || stays(pass, unit)) return;
    if (fetched_.contains(key(pass, unit))) return;
    if (leaving_ && leaving_->key == key(pass, unit)) settle(emitter);
    emitter.allocate(MemoryCategory::activations, bytes);
    fetched_[key(pass, unit)] = up(emitter, bytes, "activations from host");
  }

  void drop_activations(Emitter& emitter, const Pass& pass, std::size_t unit) {
    emitter.free(MemoryCategory::activations, moved_activations(pass, unit));
    fetched_.erase(key(pass, unit));
  }

  // With ZeRO-3 the shard is what lies in host memory; it is gathered after it has come up.
  sim::Bytes moved_parameters(const Pass& pass, std::size_t unit) const {
    const UnitCost& cost = *pass.chunk->units[unit].cost;
    const ParameterSet parameters{cost.dense_parameters, cost.expert_parameters};
    const std::int64_t held = plan().zero == 3 ? shard_elements(context(), parameters)
                                               : parameters.dense + parameters.expert;
    const double element = plan().zero == 3 ? sharded_parameter_bytes(training(), implementation())
                                            : parameter_bytes(training());
    return wire_size(offloaded(held, plan().offload.parameters), element);
  }

  void need_parameters(Emitter& emitter, const Pass& pass, std::size_t unit) {
    if (plan().offload.parameters == 0.0) return;
    // One unit more than gathers run ahead, so that a copy has the time of a unit.
    const std::int64_t gathered_ahead =
        plan().zero == 3 && plan().overlap.param_gather ? implementation().prefetch_layers : 0;
    for (std::int64_t ahead = 0; ahead <= gathered_ahead + 1; ++ahead) {
      const std::int64_t next = static_cast<std::int64_t>(unit) + (pass.forward() ? ahead : -ahead);
      if (next < 0 || next >= static_cast<std::int64_t>(pass.chunk->units.size())) break;
      const auto which = static_cast<std::size_t>(next);
      const auto [copy, is_new] = parameters_.try_emplace({pass.chunk_index, which});
      if (is_new) {
        const sim::Bytes bytes = moved_parameters(pass, which);
        emitter.allocate(MemoryCategory::buffers, bytes);
        if (bytes.count() > 0) copy->second = up(emitter, bytes, "parameters from host");
      }
      if (ahead <= gathered_ahead && copy->second) {
        emitter.wait(*copy->second);
        copy->second.reset();
      }
    }
  }

  void drop_parameters(Emitter& emitter, const Pass& pass, std::size_t unit) {
    if (parameters_.erase({pass.chunk_index, unit}) == 0) return;
    emitter.free(MemoryCategory::buffers, moved_parameters(pass, unit));
  }

  struct Leaving {
    OpIndex copy;
    sim::Bytes bytes;
    Key key;
  };
  std::optional<Leaving> leaving_;                 // activations on their way down
  std::map<Key, std::optional<OpIndex>> fetched_;  // none: arrived
  std::map<std::pair<std::int64_t, std::size_t>, std::optional<OpIndex>> parameters_;
};

}  // namespace

std::unique_ptr<Strategy> make_offload(const StepContext& context) {
  return std::make_unique<Offloaded>(context);
}

}  // namespace strategies
