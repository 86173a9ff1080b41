// ZeRO++ (arXiv 2306.10209): parameters are gathered as 8-bit blocks (qwZ), gradients reduced as
// 4-bit ones (qgZ). The sharding strategies send fewer bytes (states.hpp); here stands the work on
// the device around it. The scales of the blocks, below 1 % of the bytes, are not counted.
#include "models/cost.hpp"
#include "strategies/states.hpp"
#include "strategies/strategy.hpp"

namespace strategies {
namespace {

class Quantised final : public Strategy {
 public:
  using Strategy::Strategy;

  // Read 8 bits, write the parameter that is computed with.
  void before_unit(Emitter& emitter, const Pass& pass, std::size_t unit) override {
    if (plan().zero != 3 || !training().quantized_weights || pass.recompute) return;
    if (!pass.forward() && !plan().reshard_after_forward) return;
    if (!pass.forward() && plan().secondary_shard > 0) return;  // that copy is whole
    convert(emitter, pass, unit, 1.0 + parameter_bytes(training()), "dequantise");
  }

  // Read the gradient, write 4 bits; after the exchange read and add those of the group.
  void after_unit(Emitter& emitter, const Pass& pass, std::size_t unit) override {
    if (!training().quantized_gradients || pass.forward() || !pass.weight_gradient()) return;
    if (!pass.last_micro_batch && plan().grad_reduce == GradReduce::step) return;
    convert(emitter, pass, unit, gradient_bytes(training()) + 1.0, "quantise");
  }

 private:
  void convert(Emitter& emitter, const Pass& pass, std::size_t unit, double bytes_each,
               const char* name) const {
    const UnitCost& cost = *pass.chunk->units[unit].cost;
    const sim::Bytes bytes = wire_size(cost.dense_parameters + cost.expert_parameters, bytes_each);
    if (bytes == sim::Bytes{0}) return;
    emitter.compute(
        {Activity::other, models::streaming_time(bytes, *context().device), 1, 0.0, name});
  }
};

}  // namespace

std::unique_ptr<Strategy> make_quantised(const StepContext& context) {
  return std::make_unique<Quantised>(context);
}

}  // namespace strategies
