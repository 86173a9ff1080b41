// A hand-made Report: two pipeline stages, hostile names, times with all digits used.
#pragma once

#include "scenarios/report.hpp"
#include "strategies/program.hpp"

namespace reports_test {

inline scenarios::Slice slice(std::int64_t rank, strategies::Stream stream, const char* name,
                              const char* category, std::int64_t start_ps, std::int64_t finish_ps) {
  scenarios::Slice out;
  out.rank = rank;
  out.stream = static_cast<std::uint8_t>(stream);
  out.name = name;
  out.category = category;
  out.start = sim::Time::ps(start_ps);
  out.finish = sim::Time::ps(finish_ps);
  out.micro_batch = 0;
  out.chunk = 0;
  return out;
}

inline scenarios::StageMemory stage(std::int64_t index, std::int64_t gib) {
  constexpr std::int64_t kGib = std::int64_t{1} << 30;
  scenarios::StageMemory out;
  out.stage = index;
  out.rank = index;
  out.categories = {sim::Bytes(gib * kGib), sim::Bytes(kGib),     sim::Bytes(2 * kGib),
                    sim::Bytes(3 * kGib),   sim::Bytes(kGib / 2), sim::Bytes(kGib / 2)};
  out.allocated = sim::Bytes((gib + 7) * kGib);
  out.reserved = sim::Bytes((gib + 8) * kGib);
  out.driver = sim::Bytes((gib + 9) * kGib);
  out.peak_at = "backward of micro-batch 1";
  return out;
}

inline scenarios::Report sample_report() {
  scenarios::Report report;
  report.scenario.name = "=cmd(), \"</script><img onerror=x>\x1b[31m";
  report.scenario.model.name = "toy";
  report.scenario.device.name = "h100-80gb";
  report.scenario.cluster.gpus = 2;
  report.scenario.cluster.gpus_per_node = 8;
  report.scenario.plan.pp = 2;
  report.scenario.training.seq_len = 1024;
  report.scenario.training.global_batch = 4;
  report.scenario.warnings = {{"more GPUs than the real cluster has", "a.yaml:3:5"}};
  report.scenario.resolved = {{"strategy.tp", "1", "default"},
                              {"strategy.pp", "2", "scenario"},
                              {"training.grad_dtype", "fp32", "profile ideal"}};
  report.breakdown.compute = sim::Time::ps(1'000'000'000'001);
  report.breakdown.exposed_dp = sim::Time::ps(333'333'333'333);
  report.breakdown.bubble = sim::Time::ps(100'000'000'003);
  report.step_time = sim::Time::ps(1'433'333'333'337);
  report.tokens_per_s = 2857.6;
  report.model_tflops_per_gpu = 400.25;
  report.mfu = 0.41;
  report.hfu = 0.5;
  report.bubble_fraction = 0.1 / 1.43;
  report.stages = {stage(0, 10), stage(1, 12)};
  report.worst_stage = 1;
  report.device_memory = sim::Bytes(std::int64_t{80} << 30);
  report.fold = {2, 2, false, "2 ranks, not folded"};
  report.events = 12345;
  report.wall_s = 0.25;
  report.fidelity = "flow";
  using strategies::Stream;
  report.slices = {
      slice(0, Stream::compute, "mlp in", "forward", 0, 2'500'999),
      slice(0, Stream::compute, "mlp out", "forward", 2'500'999, 3'000'001),
      slice(0, Stream::tensor, "tp all-gather", "tp", 500, 1'000'000),
      slice(0, Stream::tensor, "tp reduce-scatter", "tp", 900'000, 2'000'000),  // overlaps
      slice(0, Stream::pipeline, "p2p send", "pp", 3'000'001, 4'000'000),
      slice(1, Stream::pipeline, "p2p receive", "pp", 3'000'001, 4'000'000),
      slice(1, Stream::copy, "activations to host", "other", 0, 1'000'000),
      slice(1, Stream::compute, "say \"hi\"", "backward", 4'000'000, 9'000'000)};
  report.memory_samples = {{0, sim::Time::ps(1'000'000), report.stages[0].categories},
                           {1, sim::Time::ps(2'000'000), report.stages[1].categories}};
  return report;
}

}  // namespace reports_test
