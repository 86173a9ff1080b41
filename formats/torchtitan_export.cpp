// A scenario as torchtitan's job configuration (TOML). Names: torchtitan/config/job_config.py.
#include <fmt/format.h>

#include <algorithm>

#include "formats/carried.hpp"
#include "formats/torchtitan.hpp"
#include "scenarios/enum_names.hpp"

namespace formats {
namespace {

using scenarios::Scenario;
using strategies::Plan;

constexpr CarriedReason kReasons[] = {
    {"model.mtp_layers", "its DeepSeek-V3 has no multi-token prediction"},
    {"training.precision", "mixed_precision_param is bfloat16 or float32"},
    {"training.fp8_recipe", "its recipes are tensorwise, rowwise and mxfp8"},
    {"training.optimizer", "its optimizers are Adam and AdamW"},
    {"training.recompute", "activation_checkpoint knows full, op and every so many layers"},
    {"training.recompute.", "activation_checkpoint knows full, op and every so many layers"},
    {"training.moe_balance", "how tokens spread follows from the data"},
    {"strategy.zero", "it replicates, or shards everything"},
    {"strategy.schedule", "PyTorch has 1F1B, GPipe, Interleaved1F1B, ZBVZeroBubble, DualPipeV"},
    {"strategy.overlap.p2p", "PyTorch's schedules wait for what they receive"},
    {"strategy.sequence_parallel", "tensor parallelism splits the sequence, too"},
    {"strategy.offload.", "enable_cpu_offload moves parameters, gradients and optimizer"},
    {"strategy.rank_order", "the mesh is pp, dp, cp, tp"},
    {"implementation.base", "kernels, buffers and overlap are those of the code base"},
};

bool idle(const Scenario& scenario, std::string_view key) {
  const Plan& plan = scenario.plan;
  const bool experts = scenario.model.transformer()->moe.has_value();
  if (key == "strategy.overlap.tp" || key == "strategy.sequence_parallel") return plan.tp == 1;
  if (key == "strategy.overlap.p2p") return plan.pp == 1;
  if (key == "strategy.overlap.param_gather") return plan.zero == 0;
  if (key.starts_with("strategy.cp_")) return plan.cp == 1;
  if (key.starts_with("strategy.ep") || key == "strategy.etp") return !experts;
  if (key == "strategy.max_in_flight") return plan.schedule != "memory-bounded";
  // The order of dimensions that nothing is spread over.
  if (key == "strategy.rank_order") return plan.world_size() == plan.dp;
  if (key == "model.moe.node_limit") return plan.ep == 1;
  return key.starts_with("training.fp8_") && scenario.training.precision != models::Precision::fp8;
}

void training_section(const Scenario& scenario, std::string& out) {
  const strategies::Training& training = scenario.training;
  const Plan& plan = scenario.plan;
  const bool wide = training.precision == models::Precision::fp32 ||
                    training.precision == models::Precision::tf32;
  // A pipeline cuts the local batch into micro-batches.
  const std::int64_t local = plan.pp > 1 ? training.global_batch / plan.dp : training.micro_batch;
  out += fmt::format("\n[training]\nlocal_batch_size = {}\nglobal_batch_size = {}\nseq_len = {}\n",
                     local, training.global_batch, training.seq_len);
  out += fmt::format("mixed_precision_param = \"{}\"\ncompile = {}\nenable_cpu_offload = {}\n",
                     wide ? "float32" : "bfloat16", training.compile,
                     plan.offload.optimizer > 0.0 && plan.offload.parameters > 0.0);
}

void parallelism_section(const Scenario& scenario, std::string& out) {
  const Plan& plan = scenario.plan;
  const bool sharded = plan.zero > 0 && plan.shard_group % plan.cp == 0;
  const std::int64_t shard = sharded ? plan.shard_group / plan.cp : 1;
  out += fmt::format(
      "\n[parallelism]\ndata_parallel_replicate_degree = {}\ndata_parallel_shard_degree = {}\n"
      "fsdp_reshard_after_forward = \"{}\"\ntensor_parallel_degree = {}\n"
      "enable_async_tensor_parallel = {}\ncontext_parallel_degree = {}\n",
      plan.dp / shard, shard, plan.reshard_after_forward ? "always" : "never", plan.tp,
      plan.overlap.tp && plan.tp > 1, plan.cp);
  if (plan.cp > 1) {
    out += fmt::format("context_parallel_rotate_method = \"{}\"\n",
                       plan.cp_type == strategies::CpType::ring ? "alltoall" : "allgather");
  }
  out += fmt::format("pipeline_parallel_degree = {}\n", plan.pp);
  if (plan.pp > 1) {
    const auto schedules = torchtitan_schedules();
    auto found = std::find_if(schedules.begin(), schedules.end(), [&](const auto& one) {
      return one.ours == plan.schedule && one.several == (plan.vpp > 1);
    });
    if (found == schedules.end()) found = schedules.begin() + (plan.vpp > 1 ? 2 : 0);
    out += fmt::format("pipeline_parallel_schedule = \"{}\"\n", found->theirs);
    out += fmt::format("pipeline_parallel_microbatch_size = {}\n", scenario.training.micro_batch);
    // Embedding and head count as a layer each; else where the stages begin, by name.
    std::vector<std::int64_t> shares = plan.layers_of_chunk;
    ++shares.front();
    ++shares.back();
    if (std::all_of(shares.begin(), shares.end(), [&](auto n) { return n == shares[0]; })) {
      out += fmt::format("pipeline_parallel_layers_per_stage = {}\n", shares[0]);
    } else {
      std::int64_t layer = 0;
      std::string points;
      for (std::size_t i = 0; i + 1 < plan.layers_of_chunk.size(); ++i) {
        layer += plan.layers_of_chunk[i];
        points += fmt::format("{}\"layers.{}\"", points.empty() ? "" : ", ", layer);
      }
      out += fmt::format("pipeline_parallel_split_points = [{}]\n", points);
    }
  }
  if (scenario.model.transformer()->moe) {
    out += fmt::format("expert_parallel_degree = {}\nexpert_tensor_parallel_degree = {}\n", plan.ep,
                       plan.etp);
  }
}

void checkpoint_section(const Scenario& scenario, std::string& out) {
  using strategies::Recompute;
  const strategies::RecomputePlan& recompute = scenario.training.recompute;
  const Plan& plan = scenario.plan;
  std::string mode(scenarios::enum_name(recompute.mode));
  std::string option = "op";
  if (recompute.mode == Recompute::full && recompute.layers > 0) {
    const std::int64_t layers =
        std::max<std::int64_t>(1, scenario.model.transformer()->layers / (plan.pp * plan.vpp));
    option = std::to_string(std::max<std::int64_t>(1, layers / recompute.layers));
    mode = "selective";
  }
  out += fmt::format("\n[activation_checkpoint]\nmode = \"{}\"\n", mode);
  if (mode == "selective") out += fmt::format("selective_ac_option = \"{}\"\n", option);
}

std::string config(const Scenario& scenario, const TorchtitanFlavor& flavor) {
  std::string name = scenario.name;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  const bool fp8 = scenario.training.precision == models::Precision::fp8;
  const bool blocks = scenario.training.fp8_recipe == strategies::Fp8Recipe::mxfp8;
  const bool rows = scenario.training.fp8_recipe == strategies::Fp8Recipe::rowwise;
  std::string out = fmt::format(
      "# {}\n# A job configuration of torchtitan for {} GPUs; data, learning rate and checkpoints "
      "are "
      "yours to add.\n\n[model]\nname = \"{}\"\nflavor = \"{}\"\nconverters = [{}]\n",
      name, scenario.cluster.gpus, flavor.name, flavor.flavor,
      fp8 ? (blocks ? "\"mx\"" : "\"float8\"") : "");
  out += fmt::format("\n[optimizer]\nname = \"AdamW\"\nimplementation = \"{}\"\n",
                     scenario.implementation.kernels.fused_optimizer ? "fused" : "for-loop");
  training_section(scenario, out);
  parallelism_section(scenario, out);
  checkpoint_section(scenario, out);
  if (fp8 && !blocks) {
    out +=
        fmt::format("\n[float8]\nrecipe_name = \"{}\"\nenable_fsdp_float8_all_gather = {}\n",
                    rows ? "rowwise" : "tensorwise", scenario.implementation.fp8_gather && !rows);
  }
  return out;
}

}  // namespace

std::vector<Note> export_torchtitan(const Scenario& scenario, const FileSink& file) {
  const TorchtitanFlavor* flavor = torchtitan_flavor_of(scenario);
  if (flavor == nullptr) {
    std::string known;
    for (const TorchtitanFlavor& one : torchtitan_flavors()) {
      if (!one.base.empty()) known += fmt::format("{}{}", known.empty() ? "" : ", ", one.base);
    }
    throw scenarios::ScenarioError(
        scenarios::ErrorKind::invalid_input,
        {{scenario.files.empty() ? scenario.name : scenario.files.front(), 0, 0, "model",
          "torchtitan names its models, and this one is none of them", "one of: " + known, ""}});
  }
  const ExportedFile out{config(scenario, *flavor), &draft_torchtitan, kReasons, &idle};
  file("", out.text);
  return not_carried(scenario, out);
}

}  // namespace formats
