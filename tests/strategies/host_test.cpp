// The host: what it issues, waits for, and leaves to CUDA graphs.
#include <catch2/catch.hpp>

#include "step_fixture.hpp"

using namespace strategies;

namespace {

constexpr sim::Time kLaunch = sim::Time::us(10);

StepFixture with_host() {
  StepFixture f;
  f.implementation.host_limits = true;
  f.implementation.kernels.launch = kLaunch;
  f.spread();
  return f;
}

StepFixture with_experts() {
  StepFixture f = with_host();
  f.share_out_experts();
  return f;
}

sim::Time host_of(const Program& program) {
  sim::Time sum;
  for (const Op& op : program.ops()) sum += op.host;
  return sum;
}

sim::Time device_of(const Program& program) {
  sim::Time sum;
  for (const Op& op : program.ops()) sum += op.duration;
  return sum;
}

int waits(const Program& program) {
  int count = 0;
  for (const Op& op : program.ops()) count += op.host_waits ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("a launch-blocking host adds its time to the device's, kernel by kernel") {
  StepFixture f = with_host();
  const Program free = f.program();
  f.implementation.launch_blocking = true;
  const Program blocking = f.program();
  REQUIRE(free.size() == blocking.size());
  CHECK(host_of(blocking) + device_of(blocking) == host_of(free) + device_of(free));
  CHECK(device_of(blocking) > device_of(free));
  for (const Op& op : blocking.ops()) {
    // One launch is left to issue each operation; the host waits for whatever it issued.
    CHECK(op.host <= kLaunch);
    CHECK(op.host_waits == (op.host > sim::Time::zero()));
  }
}

TEST_CASE("a CUDA graph leaves nothing to the host but what it does not hold") {
  StepFixture f = with_experts();
  const sim::Time eager = host_of(f.program());
  f.training.cuda_graph = true;
  CHECK(host_of(f.program()) == sim::Time::zero());
  f.training.cuda_graph_experts = false;
  const sim::Time partly = host_of(f.program());
  CHECK(partly > sim::Time::zero());
  CHECK(partly < eager);
}

TEST_CASE("passes side by side call the parts of a layer's backward one by one") {
  StepFixture f = with_experts();
  f.plan.pp = f.plan.vpp = 2;
  f.plan.schedule = "interleaved";
  f.spread();
  const sim::Time chain = host_of(f.program());
  f.plan.overlap.ep_passes = true;
  const std::int64_t passes = f.gpt().layers / f.plan.pp * f.training.global_batch / f.plan.dp;
  CHECK(host_of(f.program()) - chain == kLaunch * (14 * passes));
  f.training.cuda_graph = true;
  CHECK(host_of(f.program()) == sim::Time::zero());
}

TEST_CASE("a graph of a part of a layer has its inputs copied to where it finds them") {
  StepFixture f = with_experts();
  const sim::Time eager = device_of(f.program());
  f.training.cuda_graph = true;
  f.training.cuda_graph_experts = false;
  // The hidden state forward, two gradients of its size backward, read and written.
  const sim::Bytes moved{2 * 2 * f.training.seq_len * f.gpt().hidden};
  const std::int64_t passes = f.gpt().layers * f.training.global_batch / f.plan.dp;
  const sim::Time copies = models::streaming_time(moved, f.device) * (3 * passes);
  CHECK(device_of(f.program()) - eager == copies);
  f.training.cuda_graph_attention = false;
  CHECK(device_of(f.program()) - eager == copies);
  f.training.cuda_graph_experts = f.training.cuda_graph_attention = true;
  CHECK(device_of(f.program()) <= eager);
}

TEST_CASE("the host reads how many tokens each expert gets, once a layer and forward") {
  StepFixture f = with_experts();
  const std::int64_t micro_batches = f.training.global_batch / f.plan.dp;
  CHECK(waits(f.program()) == f.gpt().layers * micro_batches);
  // An exchange that routes has the counts on its own stream, and the host waits for them there.
  f.plan.ep_dispatch = EpDispatch::node_limited;
  const Program routed = f.program();
  CHECK(waits(routed) == f.gpt().layers * micro_batches);
  for (const Op& op : routed.ops()) {
    if (op.host_waits) CHECK(op.stream == Stream::expert);
  }
  f.plan.ep_dispatch = EpDispatch::alltoall;
  f.training.moe_balance = MoeBalance::drop;  // fixed sizes
  CHECK(waits(f.program()) == 0);
  f.training.moe_balance = MoeBalance::balanced;
  f.training.cuda_graph = true;
  CHECK(waits(f.program()) == 0);
}

TEST_CASE("only a host that issues experts one by one limits grouped products") {
  StepFixture f = with_experts();
  f.gpt().moe->experts = 512;  // 128 a rank: tiny
  const sim::Time eager = device_of(f.program());
  f.training.cuda_graph = true;
  CHECK(device_of(f.program()) < eager);
}
