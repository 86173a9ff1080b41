#include "models/optimizer.hpp"

#include <catch2/catch.hpp>

#include "devices.hpp"

TEST_CASE("AdamW with master weights moves 30 bytes a parameter") {
  CHECK(models::optimizer_update_bytes({}) == 30.0);
  models::OptimizerWork plain;  // PyTorch's bf16 AdamW: p, g, m, v read, p, m, v written
  plain.state_bytes = 4.0;
  plain.gradient_bytes = 2.0;
  plain.master_weights = false;
  CHECK(models::optimizer_update_bytes(plain) == 14.0);
}

TEST_CASE("a fused bf16 AdamW step takes what PyTorch measured") {
  // pytorch/pytorch issue 119842: 539 M bf16 parameters, 3.578 ms on a 500 W H100 with HBM2e
  // (2.4 TB/s): 2.11 TB/s.
  models::Device device = test::device("h100-80gb");
  device.memory_bandwidth = sim::Bandwidth::gb_per_s(2400);
  models::OptimizerWork work;
  work.parameters = 539'000'000;
  work.gradients = 0;
  work.state_bytes = 4.0;
  work.gradient_bytes = 2.0;
  work.master_weights = false;
  work.clipped = 0;
  work.averages = false;
  CHECK(models::optimizer_cost(work, device, {}).time.seconds() == Approx(3.578e-3).epsilon(0.05));
}

TEST_CASE("clipping, averaging and unfused updates add passes") {
  const models::Device device = test::device("h100-80gb");
  models::OptimizerWork work;
  work.parameters = work.gradients = work.clipped = 100'000'000;
  const auto full = models::optimizer_cost(work, device, {});
  work.clipped = 0;
  work.averages = false;
  const auto bare = models::optimizer_cost(work, device, {});
  // Two more passes over gradients held, three over those clipped: 20 bytes a parameter.
  CHECK((full.time - bare.time).seconds() == Approx(100e6 * 20 / (3350e9 * 0.87)).epsilon(0.02));
  models::KernelProfile eager;
  eager.fused_optimizer = false;
  const auto unfused = models::optimizer_cost(work, device, eager);
  CHECK(unfused.time > bare.time);
  CHECK(unfused.kernels > 100 * bare.kernels);
  work.parameters = work.gradients = work.clipped = 0;
  CHECK(models::optimizer_cost(work, device, {}).kernels == 0);
}
