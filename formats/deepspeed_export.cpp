// A scenario as the JSON that deepspeed.initialize takes. Names: docs/_pages/config-json.md of
// microsoft/DeepSpeed.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "formats/carried.hpp"
#include "formats/deepspeed.hpp"
#include "scenarios/enum_names.hpp"

namespace formats {
namespace {

using nlohmann::ordered_json;
using scenarios::Scenario;
using strategies::Plan;

constexpr CarriedReason kReasons[] = {
    {"training.precision", "bf16, fp16 or fp32"},
    {"training.optimizer", "AdamW, SGD and Lion have words here"},
    {"strategy.grad_reduce", "from stage 2 on gradients are partitioned after every micro-batch"},
    {"strategy.cp_type", "sequence_parallel_size is Ulysses"},
    {"strategy.pp_layout", "PipelineModule in the script deals the layers"},
    {"strategy.schedule", "the pipeline engine runs 1F1B"},
    {"strategy.offload.", "DeepSpeed offloads the whole of it"},
    {"implementation.base", "kernels, buffers and overlap are those of the code base"},
};

// What the training script does; one note says so.
bool is_of_script(std::string_view key) {
  constexpr std::array kOwn{"training.seq_len", "training.recompute", "training.attention",
                            "training.compile", "training.loss_chunks"};
  return std::any_of(kOwn.begin(), kOwn.end(), [&](auto own) { return key.starts_with(own); });
}

bool idle(const Scenario& scenario, std::string_view key) {
  const Plan& plan = scenario.plan;
  if (is_of_script(key)) return true;
  if (key.starts_with("model.")) return true;
  if (key.starts_with("strategy.cp_")) return plan.cp == 1;
  if (key == "strategy.overlap.tp") return plan.tp == 1;
  if (key == "strategy.overlap.p2p") return plan.pp == 1;
  if (key == "strategy.overlap.param_gather") return plan.zero < 3;
  if (key == "strategy.overlap.grad_reduce") return plan.zero == 0;
  if (key == "strategy.max_in_flight") return plan.schedule != "memory-bounded";
  if (key == "strategy.rank_order") return plan.world_size() == plan.dp;
  return key.starts_with("training.fp8_") && scenario.training.precision != models::Precision::fp8;
}

ordered_json zero_section(const Scenario& scenario) {
  const Plan& plan = scenario.plan;
  ordered_json out{{"stage", plan.zero}};
  if (plan.zero == 0) return out;
  out["overlap_comm"] = plan.overlap.grad_reduce;
  out["contiguous_gradients"] = true;
  const std::int64_t elements = scenario.implementation.bucket.count() / 2;
  if (!scenario.implementation.layer_buckets) out["reduce_bucket_size"] = elements;
  if (plan.zero == 1) out["reduce_scatter"] = !scenario.implementation.reduces_whole_gradients;
  const char* device = plan.offload.nvme ? "nvme" : "cpu";
  if (plan.offload.optimizer > 0.0) out["offload_optimizer"] = {{"device", device}};
  if (plan.offload.parameters > 0.0 && plan.zero == 3) out["offload_param"] = {{"device", device}};
  if (plan.secondary_shard > 1) out["zero_hpz_partition_size"] = plan.secondary_shard;
  if (plan.shard_group != plan.dp * plan.cp) out["mics_shard_size"] = plan.shard_group;
  if (scenario.training.quantized_weights) out["zero_quantized_weights"] = true;
  if (scenario.training.quantized_gradients) out["zero_quantized_gradients"] = true;
  return out;
}

}  // namespace

std::vector<Note> export_deepspeed(const Scenario& scenario, const FileSink& file) {
  using models::Precision;
  using strategies::Optimizer;
  const strategies::Training& training = scenario.training;
  const Plan& plan = scenario.plan;
  ordered_json out{
      {"train_batch_size", training.global_batch},
      {"train_micro_batch_size_per_gpu", training.micro_batch},
      {"gradient_accumulation_steps",
       training.global_batch / (training.micro_batch * std::max<std::int64_t>(1, plan.dp))}};
  const bool full = training.precision == Precision::fp32 || training.precision == Precision::tf32;
  if (!full) {
    out[training.precision == Precision::fp16 ? "fp16" : "bf16"] = {{"enabled", true}};
    out["data_types"] = {{"grad_accum_dtype", scenarios::enum_name(training.grad_dtype)}};
  }
  const bool sgd = training.optimizer == Optimizer::sgd;
  const bool lion = training.optimizer == Optimizer::lion;
  out["optimizer"] = {{"type", sgd ? "SGD" : (lion ? "Lion" : "AdamW")}};
  out["zero_optimization"] = zero_section(scenario);
  if (plan.tp > 1) out["tensor_parallel"] = {{"autotp_size", plan.tp}};
  if (plan.cp > 1) out["sequence_parallel_size"] = plan.cp;
  if (plan.pp > 1) out["pipeline"] = {{"stages", plan.pp}};
  ExportedFile written{out.dump(2) + "\n", &draft_deepspeed, kReasons, &idle, false};
  file("", written.text);
  std::vector<Note> notes = not_carried(scenario, written);
  std::string script = fmt::format("model {}", scenario.model.name);
  for (const scenarios::Resolved& item : scenario.resolved) {
    if (is_of_script(item.key)) script += fmt::format(", {} {}", item.key, item.value);
  }
  notes.insert(notes.begin(),
               {0, fmt::format("the training script's, not the file's: {}", script)});
  return notes;
}

}  // namespace formats
