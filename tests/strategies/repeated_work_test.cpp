// What backward runs beside the gradients themselves: norms again, sums of gradients.
#include <catch2/catch.hpp>

#include "step_fixture.hpp"

using namespace strategies;
using models::Region;

namespace {

sim::Time recomputed(const UnitCost& layer) {
  sim::Time sum;
  for (const RegionCost& region : layer.regions) sum += region.recompute.time;
  return sum;
}

sim::Time weight_gradients(const UnitCost& layer) {
  sim::Time sum;
  for (const RegionCost& region : layer.regions) sum += region.backward_weight.time;
  return sum;
}

const UnitCost& layer_of(StepFixture& f) {
  f.spread();
  f.program();
  return f.costs().layer(0);
}

}  // namespace

TEST_CASE("norms that run again cost their forward and that of the sum, and keep no fp32 copy") {
  StepFixture f;
  f.implementation.kernels.fp32_norm_input = true;
  const UnitCost kept = layer_of(f);
  CHECK(recomputed(kept) == sim::Time::zero());
  f.implementation.kernels.norms_run_again = true;
  const UnitCost again = layer_of(f);
  CHECK(recomputed(again) == again.at(Region::attention_norm).forward.time +
                                 again.at(Region::attention_residual).forward.time +
                                 again.at(Region::mlp_norm).forward.time);
  // Of two norms the copy beyond the input; their outputs stay.
  const std::int64_t elements = f.training.micro_batch * f.training.seq_len * f.gpt().hidden;
  CHECK(kept.saved.count() - again.saved.count() == 2 * 2 * elements);
}

TEST_CASE("where whole layers run again, norms do not a second time") {
  StepFixture f;
  f.training.recompute = {Recompute::full, {}, 0, 1};
  const auto device = [&](bool again) {
    f.implementation.kernels.norms_run_again = again;
    f.spread();
    sim::Time sum;
    const Program program = f.program();
    for (const Op& op : program.ops()) sum += op.duration;
    return sum;
  };
  CHECK(device(true) == device(false));
}

TEST_CASE("a cast of its own moves 8 bytes a gradient more than a sum that casts") {
  StepFixture f;
  f.device.l2 = sim::Bytes{0};  // everything passes through memory
  f.training.precision = models::Precision::bf16;
  f.training.grad_dtype = models::Precision::fp32;
  f.implementation.kernels.weight_gradient_accumulation_fused = false;
  const auto seconds = [&](bool apart) {
    f.implementation.gradients_cast_apart = apart;
    return weight_gradients(layer_of(f)).seconds();
  };
  const double more = seconds(true) - seconds(false);
  const double parameters = static_cast<double>(f.costs().layer(0).dense_parameters);
  const double bandwidth =
      f.device.memory_bandwidth.bytes_per_second() * f.device.memory_efficiency;
  CHECK(more == Approx(8.0 * parameters / bandwidth));
  f.training.grad_dtype = models::Precision::bf16;
  CHECK(seconds(true) == seconds(false));
}
