// A small step to test strategies on: a GPT of four layers on a made-up device.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "strategies/cost_table.hpp"
#include "strategies/step.hpp"
#include "strategies/step_context.hpp"

namespace strategies {

struct StepFixture {
  models::Model model;
  models::Device device;
  Training training;
  Plan plan;
  Implementation implementation;

  StepFixture() {
    models::Transformer gpt;
    gpt.layers = 4;
    gpt.hidden = 1024;
    gpt.heads = gpt.kv_heads = 16;
    gpt.head_dim = 64;
    gpt.ffn = 4096;
    gpt.vocab = 8192;
    gpt.gated_mlp = false;
    model = {"small", gpt};
    device.architecture = models::Architecture::ampere;
    device.peak.fill(sim::FlopRate::tflops(300));
    device.gemm_efficiency.fill(0.8);
    device.vector_peak = sim::FlopRate::tflops(19);
    device.memory_bandwidth = sim::Bandwidth::gb_per_s(2000);
    device.l2 = sim::Bytes{40 << 20};
    device.sm_count = 108;
    device.boost_mhz = 1410;
    training.seq_len = 1024;
    training.global_batch = 8;
    implementation.host_limits = false;
    implementation.vocab_multiple = 1;
    plan.layers_of_chunk = {4};
  }

  models::Transformer& gpt() { return std::get<models::Transformer>(model.architecture); }

  // Spreads the layers evenly over the chunks.
  void spread() {
    plan.layers_of_chunk.assign(static_cast<std::size_t>(plan.pp * plan.vpp),
                                gpt().layers / (plan.pp * plan.vpp));
    if (plan.shard_group == 1) plan.shard_group = plan.dp * plan.cp;
  }

  // Eight experts over four ranks, two for a token.
  void share_out_experts() {
    models::Moe moe;
    moe.experts = 8;
    moe.top_k = 2;
    moe.ffn = 512;
    gpt().moe = moe;
    plan.dp = plan.ep = 4;
    spread();
  }

  Program program(std::int64_t stage = 0) {
    costs_ = std::make_unique<CostTable>(model, device, training, plan, implementation);
    const std::int64_t count = micro_batch_count(training, plan);
    schedule_ =
        find_schedule(plan.schedule)->generate({plan.pp, plan.vpp, count, plan.micro_batch_group});
    context_ = {};
    context_.model = &model;
    context_.device = &device;
    context_.training = &training;
    context_.plan = &plan;
    context_.implementation = &implementation;
    context_.costs = costs_.get();
    context_.schedule = &schedule_;
    context_.stage = stage;
    context_.micro_batches = count;
    context_.chunks = chunks_of_stage(model, plan, schedule_, *costs_, implementation, stage);
    return emit_step(context_);
  }

  const StepContext& context() const { return context_; }
  const CostTable& costs() const { return *costs_; }

 private:
  std::unique_ptr<CostTable> costs_;
  PipelineSchedule schedule_;
  StepContext context_;
};

// Buffer bytes of a program's communication, summed by group and collective.
inline std::map<std::pair<GroupKind, collectives::Kind>, std::int64_t> volumes(
    const Program& program) {
  std::map<std::pair<GroupKind, collectives::Kind>, std::int64_t> out;
  for (const Op& op : program.ops()) {
    if (op.kind == OpKind::collective || op.kind == OpKind::send) {
      out[{op.group, op.collective}] += op.bytes.count();
    }
  }
  return out;
}

}  // namespace strategies
