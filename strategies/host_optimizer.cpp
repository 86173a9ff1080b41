// The optimizer's states in host memory (ZeRO-Offload, arXiv 2101.06840 §4): the gradients this
// rank updates go down, the host steps the optimizer, the new parameters come up.
//
// Per rank and step, of the part that is offloaded: gradient bytes down, 16-bit parameters up. Unit
// by unit, so that copies down, updates and copies up run side by side. The update is limited by
// the host's memory (DeepSpeed's CPUAdam is vectorised and threaded).
#include <optional>
#include <utility>
#include <vector>

#include "strategies/saved.hpp"
#include "strategies/states.hpp"
#include "strategies/strategy.hpp"

namespace strategies {
namespace {

class HostOptimizer final : public Strategy {
 public:
  using Strategy::Strategy;

  void before_optimizer(Emitter& emitter) override {
    std::vector<std::pair<std::int64_t, OpIndex>> tiles;  // elements, their gradients' way down
    for (const std::int64_t count : tile_sizes()) {
      tiles.emplace_back(count,
                         copy(emitter, GroupKind::to_host, Stream::copy,
                              wire_size(count, gradient_bytes(training())), "gradients to host"));
    }
    std::optional<OpIndex> last;
    for (const auto& [count, gradients] : tiles) {
      emitter.wait(gradients);
      emitter.wait(update(emitter, count));
      last = copy(emitter, GroupKind::from_host, Stream::fetch, updated_parameters(count),
                  "parameters from host");
    }
    if (last) emitter.wait(*last);
  }

 private:
  std::vector<std::int64_t> tile_sizes() const {
    std::vector<std::int64_t> out;
    const auto add = [&](const ParameterSet& parameters) {
      const std::int64_t held = plan().zero >= 1 ? shard_elements(context(), parameters)
                                                 : parameters.dense + parameters.expert;
      const std::int64_t count = offloaded(held, plan().offload.optimizer);
      if (count > 0) out.push_back(count);
    };
    for (const Chunk& chunk : context().chunks) {
      for (const Unit& unit : chunk.units) {
        add({unit.cost->dense_parameters, unit.cost->expert_parameters});
      }
      add({chunk.tied_parameters, 0});
    }
    return out;
  }

  static OpIndex copy(Emitter& emitter, GroupKind way, Stream stream, sim::Bytes bytes,
                      const char* name) {
    return emitter.collective(
        {way, collectives::Kind::send_recv, bytes, stream, Activity::offload, true, name});
  }

  // Read: gradient and states; written: states and the parameter that is computed with.
  OpIndex update(Emitter& emitter, std::int64_t count) const {
    const double each = gradient_bytes(training()) +
                        2.0 * optimizer_bytes(training(), plan(), implementation()) +
                        parameter_bytes(training());
    // From drives, states are read and written while others are updated (arXiv 2104.07857 §5.2).
    const double states = 2.0 * optimizer_bytes(training(), plan(), implementation());
    return emitter.collective({GroupKind::host, collectives::Kind::send_recv,
                               wire_size(count, each), Stream::host, Activity::optimizer, true,
                               "optimizer on host",
                               wire_size(plan().offload.nvme ? count : 0, states)});
  }

  // Parameters that live in host memory themselves need not come up.
  sim::Bytes updated_parameters(std::int64_t count) const {
    return wire_size(count - offloaded(count, plan().offload.parameters),
                     parameter_bytes(training()));
  }
};

}  // namespace

std::unique_ptr<Strategy> make_host_optimizer(const StepContext& context) {
  return std::make_unique<HostOptimizer>(context);
}

}  // namespace strategies
