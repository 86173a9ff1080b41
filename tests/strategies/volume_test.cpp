// Bytes each strategy moves per step against the textbook volumes.
#include <catch2/catch.hpp>

#include <string_view>

#include "models/cost.hpp"
#include "step_fixture.hpp"
#include "strategies/states.hpp"

using namespace strategies;
using collectives::Kind;

namespace {

std::int64_t volume(const Program& program, GroupKind group, Kind kind) {
  const auto all = volumes(program);
  const auto found = all.find({group, kind});
  return found == all.end() ? 0 : found->second;
}

}  // namespace

TEST_CASE("data parallel all-reduces every gradient once a step (2 (N-1)/N M on the wire)") {
  StepFixture f;
  f.plan.dp = 4;
  f.spread();
  const Program program = f.program();
  const std::int64_t parameters = stage_parameters(f.context()).dense;
  CHECK(volume(program, GroupKind::shard, Kind::all_reduce) == parameters * 4);  // fp32 gradients
  CHECK(volumes(program).size() == 1);
}

TEST_CASE("gradients can be reduced after every micro-batch") {
  StepFixture f;
  f.plan.dp = 4;
  f.plan.grad_reduce = GradReduce::micro_batch;
  f.spread();
  const Program program = f.program();
  const std::int64_t parameters = stage_parameters(f.context()).dense;
  CHECK(volume(program, GroupKind::shard, Kind::all_reduce) == 2 * parameters * 4);
}

TEST_CASE("ZeRO-1 and 2 move what data parallelism moves, as reduce-scatter and all-gather") {
  for (int zero : {1, 2}) {
    for (bool overlap : {false, true}) {
      StepFixture f;
      f.plan.dp = 8;
      f.plan.zero = zero;
      f.plan.overlap.param_gather = overlap;
      f.plan.overlap.grad_reduce = overlap;
      f.training.grad_dtype = models::Precision::bf16;
      f.spread();
      const Program program = f.program();
      const std::int64_t parameters = stage_parameters(f.context()).dense;
      CHECK(volume(program, GroupKind::shard, Kind::reduce_scatter) == parameters * 2);
      CHECK(volume(program, GroupKind::shard, Kind::all_gather) == parameters * 2);
    }
  }
}

TEST_CASE(
    "ZeRO-1 over whole tensors: gradients all-reduced, parameters broadcast by their owners") {
  StepFixture f;
  f.plan.dp = 8;
  f.plan.zero = 1;
  f.training.grad_dtype = models::Precision::bf16;
  f.implementation.reduces_whole_gradients = true;
  f.implementation.broadcasts_per_layer = 5;
  f.spread();
  const Program program = f.program();
  const std::int64_t parameters = stage_parameters(f.context()).dense;
  CHECK(volume(program, GroupKind::shard, Kind::all_reduce) == parameters * 2);
  const std::int64_t sent = volume(program, GroupKind::shard, Kind::broadcast);
  CHECK(sent <= parameters * 2);
  CHECK(sent > parameters * 2 - 5 * 6);  // rounded down, a broadcast each
  CHECK(volumes(program).size() == 2);
  // Shards inside groups of four: the sums travel back to all members.
  f.plan.shard_group = 4;
  const Program hybrid = f.program();
  CHECK(volume(hybrid, GroupKind::shard, Kind::reduce_scatter) == parameters * 2);
  CHECK(volume(hybrid, GroupKind::shard, Kind::all_gather) == parameters * 2);
  CHECK(volume(hybrid, GroupKind::replicate, Kind::all_reduce) == parameters * 2 / 4);
}

TEST_CASE("ZeRO-1 reduced after backward is one all-reduce") {
  StepFixture f;
  f.plan.dp = 8;
  f.plan.zero = 1;
  f.plan.overlap.grad_reduce = true;
  f.training.grad_dtype = models::Precision::fp32;
  f.implementation.layer_buckets = true;
  const auto count = [&](Kind kind) {
    std::int64_t found = 0;
    const Program program = f.program();
    for (const Op& op : program.ops()) {
      found += op.kind == OpKind::collective && op.group == GroupKind::shard &&
               op.collective == kind && op.bytes > sim::Bytes{0};
    }
    return found;
  };
  f.spread();
  const std::int64_t buckets = count(Kind::reduce_scatter);
  CHECK(buckets > 1);
  f.implementation.reduces_whole_gradients = true;
  f.implementation.zero_reduces_after_backward = true;
  const std::int64_t parameters = stage_parameters(f.context()).dense;
  CHECK(count(Kind::all_reduce) == 1);
  CHECK(volume(f.program(), GroupKind::shard, Kind::all_reduce) == parameters * 4);
  CHECK(volume(f.program(), GroupKind::shard, Kind::all_gather) == parameters * 2);
  // Without ZeRO the buckets stay.
  f.plan.zero = 0;
  CHECK(count(Kind::all_reduce) == buckets);
}

namespace {

void gather_lists(StepFixture& f) {
  f.plan.dp = 8;
  f.plan.zero = 1;
  f.plan.overlap.param_gather = false;
  f.implementation.host_limits = true;
  f.implementation.listed_tensors = 6;
  f.implementation.list_slice = sim::Time::us(10);
  f.spread();
}

}  // namespace

TEST_CASE("a gather of lists costs the host every slice and copies 12 bytes a parameter") {
  StepFixture f;
  gather_lists(f);
  const Program program = f.program();
  sim::Time host, device;
  for (const Op& op : program.ops()) {
    if (std::string_view(op.name) != "lists of slices") continue;
    host += op.host;
    device += op.duration;
  }
  const StepContext& context = f.context();
  std::int64_t slices = 0;
  for (const Chunk& chunk : context.chunks) {
    for (const Unit& unit : chunk.units) slices += 8 * (unit.cost->is_layer ? 6 : 1);
  }
  CHECK(host.count() == sim::Time::us(10 * slices).count());  // half of it before, half after
  const std::int64_t parameters = stage_parameters(context).dense;
  const sim::Time copies = models::streaming_time(sim::Bytes{4 * parameters}, *context.device) +
                           models::streaming_time(sim::Bytes{8 * parameters}, *context.device);
  const sim::Time gaps = context.device->kernel_gap * (2 * slices);
  CHECK(device.count() == (copies + gaps).count());
}

TEST_CASE("a gather of lists slices experts by their replicas") {
  StepFixture f;
  f.gpt().moe = models::Moe{};
  f.gpt().moe->experts = 8;
  f.gpt().moe->top_k = 2;
  f.gpt().moe->ffn = 1024;
  gather_lists(f);
  const auto slices = [&](std::int64_t ep) {
    f.plan.ep = ep;
    sim::Time host;
    for (const Op& op : f.program().ops()) {
      if (std::string_view(op.name) == "lists of slices") host += op.host;
    }
    return host.count() / sim::Time::us(10).count();
  };
  // Embedding and head are a tensor each, a layer has five dense ones and two of experts.
  CHECK(slices(1) == 8 * (2 + 4 * 5) + 8 * 4 * 2);
  CHECK(slices(4) == 8 * (2 + 4 * 5) + 2 * 4 * 2);
  CHECK(slices(8) == 8 * (2 + 4 * 5));  // no replica: nothing of them is gathered
}

TEST_CASE("ZeRO-3 moves one and a half times as much") {
  StepFixture f;
  f.plan.dp = 8;  // one micro-batch
  f.plan.zero = 3;
  f.training.grad_dtype = models::Precision::bf16;
  f.spread();
  const Program program = f.program();
  const std::int64_t parameters = stage_parameters(f.context()).dense;
  CHECK(volume(program, GroupKind::shard, Kind::reduce_scatter) == parameters * 2);
  CHECK(volume(program, GroupKind::shard, Kind::all_gather) == 2 * parameters * 2);
  f.plan.reshard_after_forward = false;  // kept from forward to backward: gathered once
  CHECK(volume(f.program(), GroupKind::shard, Kind::all_gather) == parameters * 2);
}

TEST_CASE("hybrid sharding adds an all-reduce of the shards") {
  StepFixture f;
  f.plan.dp = 8;
  f.plan.zero = 3;
  f.plan.shard_group = 4;
  f.training.grad_dtype = models::Precision::bf16;
  f.spread();
  const Program program = f.program();
  const std::int64_t parameters = stage_parameters(f.context()).dense;
  CHECK(volume(program, GroupKind::replicate, Kind::all_reduce) == parameters * 2 / 4);
}

TEST_CASE("tensor parallel: two all-reduces of the hidden state per layer and direction") {
  StepFixture f;
  f.plan.tp = 4;
  f.spread();
  const Program program = f.program();
  const std::int64_t micro_batches = 8;
  const std::int64_t hidden = f.training.seq_len * f.gpt().hidden * 2;
  const std::int64_t layers = 4 * f.gpt().layers * hidden * micro_batches;
  // Beside the layers: the embedding forward, the head backward, and three scalars a token.
  const std::int64_t ends = (2 * hidden + 3 * f.training.seq_len * 4) * micro_batches;
  CHECK(volume(program, GroupKind::tensor, Kind::all_reduce) == layers + ends);
}

TEST_CASE("sequence parallel: the same bytes as gathers and scatters, and one more gather back") {
  StepFixture f;
  f.plan.tp = 4;
  f.plan.sequence_parallel = true;
  f.spread();
  const Program program = f.program();
  const std::int64_t micro_batches = 8;
  const std::int64_t hidden = f.training.seq_len * f.gpt().hidden * 2;
  const std::int64_t layers = f.gpt().layers;
  // Per layer: scatters 2 forward, 2 backward; gathers 2 forward, 2 backward, 2 for weight
  // gradients.
  CHECK(volume(program, GroupKind::tensor, Kind::reduce_scatter) ==
        (4 * layers + 2) * hidden * micro_batches);
  CHECK(volume(program, GroupKind::tensor, Kind::all_gather) ==
        (6 * layers + 3) * hidden * micro_batches);
}

TEST_CASE("pipeline: the hidden state crosses each boundary once per micro-batch and direction") {
  StepFixture f;
  f.plan.pp = 2;
  f.spread();
  const std::int64_t hidden = f.training.seq_len * f.gpt().hidden * 2;
  CHECK(volume(f.program(0), GroupKind::next_stage, Kind::send_recv) == 8 * hidden);
  CHECK(volume(f.program(1), GroupKind::previous_stage, Kind::send_recv) == 8 * hidden);
  f.plan.tp = 2;
  f.plan.sequence_parallel = true;
  CHECK(volume(f.program(0), GroupKind::next_stage, Kind::send_recv) == 8 * hidden / 2);
}

TEST_CASE("context parallel: keys and values of the whole sequence per layer") {
  StepFixture f;
  f.plan.cp = 4;
  f.plan.cp_type = CpType::allgather;
  f.spread();
  const Program program = f.program();
  const std::int64_t kv = f.training.seq_len * 2 * f.gpt().hidden * 2 * f.gpt().layers * 8;
  CHECK(volume(program, GroupKind::context, Kind::all_gather) == 2 * kv);
  CHECK(volume(program, GroupKind::context, Kind::reduce_scatter) == kv);
  f.plan.cp_type = CpType::ring;
  CHECK(volume(f.program(), GroupKind::context, Kind::all_gather) == 3 * kv);
  f.plan.cp_type = CpType::ulysses;
  // Forward: q, k, v and the output of this rank's tokens; backward the same again.
  CHECK(volume(f.program(), GroupKind::context, Kind::all_to_all) == 2 * 2 * kv / 4);
}

TEST_CASE("FLOPs do not depend on the strategy") {
  StepFixture reference;
  const auto sum = [](const Program& program) {
    double flops = 0.0;
    for (const Op& op : program.ops()) flops += op.flops;
    return flops;
  };
  const double whole = sum(reference.program());
  StepFixture f;
  f.plan.tp = 2;
  f.plan.dp = 2;
  f.plan.pp = 2;
  f.plan.vpp = 2;
  f.plan.schedule = "interleaved";
  f.spread();
  CHECK((sum(f.program(0)) + sum(f.program(1))) * 4 == Approx(whole).epsilon(2e-3));
}
