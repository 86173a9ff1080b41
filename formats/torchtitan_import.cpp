// torchtitan's job configuration (TOML, until early 2026) as a scenario. Names and defaults:
// torchtitan/config/job_config.py; older files have some of them in [training] and [experimental].
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <toml++/toml.h>
#include <algorithm>
#include <cstdlib>
#include <set>

#include "formats/benchmark_text.hpp"
#include "formats/torchtitan.hpp"
#include "formats/torchtitan_config.hpp"
#include "scenarios/reader.hpp"

namespace formats {
namespace {

struct Sizes {
  std::int64_t tp = 1, cp = 1, pp = 1, shard = 1, replicate = 1;
  std::int64_t dp() const { return shard * replicate; }
};

// The layers of the model, 0 where it is none of torchtitan's.
std::int64_t model(ImportDraft& draft, TorchtitanConfig& config) {
  const std::string name = config.text({"model.name"}, "llama3");
  const std::string flavor = config.text({"model.flavor"}, "debugmodel");
  std::vector<std::string> known;
  for (const TorchtitanFlavor& entry : torchtitan_flavors()) {
    known.push_back(fmt::format("{} {}", entry.name, entry.flavor));
    if (entry.name != name || entry.flavor != flavor) continue;
    const Place at = config.at({"model.flavor"});
    if (!entry.base.empty()) {
      draft.set("model.base", std::string(entry.base), at);
      return scenarios::read_model(std::string(entry.base)).transformer()->layers;
    }
    for (const auto& [key, value] : entry.keys) {
      draft.set(fmt::format("model.{}", key), std::string(value), at);
    }
    return 6;
  }
  draft.fault(config.at({"model.flavor"}), fmt::format("model {} {} is not known", name, flavor),
              fmt::format("one of: {}", fmt::join(known, ", ")));
  return 0;
}

Sizes sizes(ImportDraft& draft, TorchtitanConfig& config) {
  Sizes out;
  const auto tp = {"parallelism.tensor_parallel_degree", "training.tensor_parallel_degree"};
  const auto cp = {"parallelism.context_parallel_degree", "experimental.context_parallel_degree"};
  const auto pp = {"parallelism.pipeline_parallel_degree", "experimental.pipeline_parallel_degree"};
  const auto shard = {"parallelism.data_parallel_shard_degree",
                      "training.data_parallel_shard_degree", "training.data_parallel_degree"};
  const auto replicate = {"parallelism.data_parallel_replicate_degree",
                          "training.data_parallel_replicate_degree"};
  out.tp = config.count(tp, 1);
  out.cp = config.count(cp, 1);
  out.pp = config.count(pp, 1);
  out.replicate = config.count(replicate, 1);
  const std::int64_t sharded = config.count(shard, -1, true);
  const std::int64_t others =
      draft.ranks({out.tp, out.cp, out.pp, out.replicate, std::abs(sharded)}, config.at(tp)) /
      std::abs(sharded);
  if (others == 0) return {};
  draft.settle_gpus(sharded > 0 ? others * sharded : 0, config.at(shard),
                    std::max<std::int64_t>(8, others));
  out.shard = sharded > 0 ? sharded : std::max<std::int64_t>(1, draft.gpus() / others);
  if (others * out.shard != draft.gpus()) {
    draft.fault(config.at(sharded > 0 ? shard : tp),
                fmt::format("dp_replicate·dp_shard·cp·tp·pp = {}·{}·{}·{}·{} is not {} GPUs",
                            out.replicate, out.shard, out.cp, out.tp, out.pp, draft.gpus()),
                fmt::format("a multiple of {} GPUs", others));
  }
  if (out.tp > 1) {
    draft.set("strategy.tp", out.tp, config.at(tp));
    draft.set("strategy.sequence_parallel",
              config.flag({"parallelism.enable_sequence_parallel"}, true));
  }
  if (out.cp > 1) draft.set("strategy.cp", out.cp, config.at(cp));
  if (out.pp > 1) draft.set("strategy.pp", out.pp, config.at(pp));
  if (out.shard * out.cp > 1) {
    draft.set("strategy.zero", std::int64_t{3}, config.at(shard));
    if (out.replicate > 1) draft.set("strategy.shard_group", out.shard * out.cp, config.at(shard));
    const std::string policy = config.choice({"parallelism.fsdp_reshard_after_forward"}, "default",
                                             {"default", "always", "never"});
    if (policy == "never" || (policy == "default" && out.pp > 1)) {
      draft.set("strategy.reshard_after_forward", false,
                config.at({"parallelism.fsdp_reshard_after_forward"}));
    }
  } else {
    config.at({"parallelism.fsdp_reshard_after_forward"});
  }
  return out;
}

std::int64_t pipeline(ImportDraft& draft, TorchtitanConfig& config, const Sizes& is,
                      std::int64_t layers) {
  std::vector<std::string> known;
  for (const TorchtitanSchedule& one : torchtitan_schedules()) known.emplace_back(one.theirs);
  const auto name = {"parallelism.pipeline_parallel_schedule",
                     "experimental.pipeline_parallel_schedule"};
  std::string said = config.text(name, "1F1B");
  const auto points = {"parallelism.pipeline_parallel_split_points",
                       "experimental.pipeline_parallel_split_points"};
  const std::vector<std::string> split = config.words(points);
  const std::int64_t each = config.count({"parallelism.pipeline_parallel_layers_per_stage"}, 0);
  const std::int64_t first =
      config.count({"parallelism.pipeline_parallel_first_stage_less_layers"}, 1);
  const std::int64_t last =
      config.count({"parallelism.pipeline_parallel_last_stage_less_layers"}, 1);
  if (is.pp == 1 || layers == 0) return 1;
  const auto schedules = torchtitan_schedules();
  auto schedule = std::find_if(schedules.begin(), schedules.end(),
                               [&](const auto& one) { return one.theirs == said; });
  if (schedule == schedules.end()) {
    draft.note(config.at(name),
               fmt::format("schedule {} has no counterpart: interleaved is assumed; "
                           "known are {}",
                           said, fmt::join(known, ", ")));
    schedule = schedules.begin() + 2;
  }
  if (schedule->ours != "1f1b" && schedule->ours != "interleaved") {
    draft.set("strategy.schedule", std::string(schedule->ours), config.at(name));
  }
  std::int64_t stages = is.pp * (schedule->several ? 2 : 1);
  if (!split.empty()) {
    stages = static_cast<std::int64_t>(split.size()) + 1;
  } else if (each > 0) {
    stages = (layers + first + last + each - 1) / each;
  }
  if (stages % is.pp != 0 || stages > layers + 2 || (!schedule->several && stages != is.pp)) {
    draft.fault(split.empty() ? config.at({"parallelism.pipeline_parallel_layers_per_stage"})
                              : config.at(points),
                fmt::format("{} stages do not lie on {} ranks under {}", stages, is.pp, said),
                schedule->several ? "a multiple of the ranks" : "one stage a rank");
    return 1;
  }
  if (stages > is.pp) draft.set("strategy.vpp", stages / is.pp, config.at(name));
  // Embedding and head count as layers; what is left over goes to the first stages.
  std::vector<std::int64_t> of_stage;
  if (split.empty()) {
    const std::int64_t counted = layers + first + last;
    for (std::int64_t i = 0; i < stages; ++i) {
      of_stage.push_back(counted / stages + (i < counted % stages ? 1 : 0));
    }
    of_stage.front() -= first;
    of_stage.back() -= last;
    if (first == 1 && last == 1 && counted % stages == 0) {
      draft.set("strategy.pp_layout.embedding_as_layer", true);
      return stages / is.pp;
    }
  } else {
    std::int64_t before = 0;
    for (const std::string& point : split) {
      const std::size_t dot = point.find('.');
      const std::int64_t layer =
          dot == std::string::npos
              ? layers
              : count_of(std::string_view(point).substr(dot + 1)).value_or(layers);
      of_stage.push_back(std::clamp<std::int64_t>(layer, before, layers) - before);
      before += of_stage.back();
    }
    of_stage.push_back(layers - before);
  }
  draft.set("strategy.pp_layout.stages", fmt::format("[{}]", fmt::join(of_stage, ", ")),
            config.at(points));
  return stages / is.pp;
}

void batch(ImportDraft& draft, TorchtitanConfig& config, const Sizes& is) {
  const auto local_name = {"training.local_batch_size", "training.batch_size"};
  const std::int64_t local = config.count(local_name, 8);
  const std::int64_t global = config.count({"training.global_batch_size"}, -1, true);
  const auto micro_name = {"parallelism.pipeline_parallel_microbatch_size"};
  const std::int64_t micro = config.count(micro_name, 1);
  draft.set("training.seq_len", config.count({"training.seq_len"}, 2048),
            config.at({"training.seq_len"}));
  draft.set("training.micro_batch", is.pp > 1 ? micro : local,
            config.at(is.pp > 1 ? micro_name : local_name));
  const std::int64_t once = local * is.dp();
  draft.set("training.global_batch", global > 0 ? global : once,
            config.at({"training.global_batch_size"}));
  if (global > 0 && global % once != 0) {
    draft.fault(config.at({"training.global_batch_size"}),
                fmt::format("global_batch_size {} does not divide by local_batch_size {} and {} "
                            "data-parallel ranks",
                            global, local, is.dp()),
                fmt::format("a multiple of {}", once));
  } else if (is.pp > 1 && global > once) {
    draft.note(config.at({"training.global_batch_size"}),
               "the pipeline is filled once a step here, not once a local batch");
  }
}

void recompute(ImportDraft& draft, TorchtitanConfig& config, std::int64_t layers_of_chunk) {
  const std::string mode =
      config.choice({"activation_checkpoint.mode"}, "selective", {"none", "selective", "full"});
  const std::string option = config.text({"activation_checkpoint.selective_ac_option"}, "2");
  const Place at = config.at({"activation_checkpoint.mode"});
  if (mode == "full") return draft.set("training.recompute", std::string("full"), at);
  if (mode == "none") return;
  if (option == "op") return draft.set("training.recompute", std::string("selective"), at);
  const std::int64_t every = count_of(option).value_or(0);
  if (every < 1) {
    return draft.fault(config.at({"activation_checkpoint.selective_ac_option"}),
                       fmt::format("selective_ac_option has no choice '{}'", option),
                       "op, or a number: every so many layers");
  }
  if (every == 1) return draft.set("training.recompute", std::string("full"), at);
  draft.set("training.recompute.layers", std::max<std::int64_t>(1, layers_of_chunk / every),
            config.at({"activation_checkpoint.selective_ac_option"}));
}

void precision(ImportDraft& draft, TorchtitanConfig& config) {
  const std::vector<std::string> converters = config.words({"model.converters"});
  const auto converts = [&](const char* what) {
    return std::any_of(converters.begin(), converters.end(), [&](const std::string& name) {
      return name == what || name.ends_with(std::string("linear.") + what);
    });
  };
  const bool enabled = config.flag({"float8.enable_float8_linear"});  // before converters
  const Place at = config.at({"model.converters"});
  if (converts("mx")) {
    draft.set("training.precision", std::string("fp8"), at);
    return draft.set("training.fp8_recipe", std::string("mxfp8"), at);
  }
  if (!converts("float8") && !enabled) {
    const bool wide = config.choice({"training.mixed_precision_param"}, "bfloat16",
                                    {"bfloat16", "float32"}) == "float32";
    return draft.set("training.precision", std::string(wide ? "fp32" : "bf16"),
                     config.at({"training.mixed_precision_param"}));
  }
  const auto recipe_name = {"float8.recipe_name", "quantize.linear.float8.recipe_name"};
  const std::string recipe =
      config.choice(recipe_name, "tensorwise", {"tensorwise", "rowwise", "rowwise_with_gw_hp"});
  draft.set("training.precision", std::string("fp8"), at);
  draft.set("training.fp8_recipe", std::string(recipe == "tensorwise" ? recipe : "rowwise"),
            config.at(recipe_name));
  const bool gathers = config.flag({"float8.enable_fsdp_float8_all_gather",
                                    "quantize.linear.float8.enable_fsdp_float8_all_gather"});
  if (recipe == "tensorwise" && !gathers) {
    draft.set("implementation.fp8_gather", false);
  }
}

}  // namespace

void draft_torchtitan(ImportDraft& draft) {
  TorchtitanConfig config(draft);
  if (config.broken()) return;
  draft.set("name", yaml_word(file_name(draft.request().file)));
  draft.set("implementation.base", std::string("torchtitan"));
  const std::int64_t layers = model(draft, config);
  const Sizes is = sizes(draft, config);
  const std::int64_t chunks = pipeline(draft, config, is, layers);
  batch(draft, config, is);
  recompute(draft, config, std::max<std::int64_t>(1, layers / (is.pp * chunks)));
  precision(draft, config);
  const std::vector<std::string> parts = config.words({"compile.components"});
  const bool loss_alone = parts == std::vector<std::string>{"loss"};
  if (config.flag({"training.compile"}) || (config.flag({"compile.enable"}) && !loss_alone)) {
    draft.set("training.compile", true, config.at({"training.compile", "compile.enable"}));
  }
  const std::string optimizer = config.text({"optimizer.name"}, "AdamW");
  if (optimizer != "AdamW" && optimizer != "Adam") {
    draft.note(config.at({"optimizer.name"}),
               fmt::format("optimizer {} has no counterpart: adamw is assumed", optimizer));
  }
  if (config.choice({"optimizer.implementation"}, "fused", {"for-loop", "foreach", "fused"}) ==
      "for-loop") {
    draft.set("implementation.kernels.fused_optimizer", false);
  }
  if (config.flag({"training.enable_cpu_offload"})) {
    draft.set("strategy.offload.optimizer", std::int64_t{1},
              config.at({"training.enable_cpu_offload"}));
    draft.set("strategy.offload.parameters", std::int64_t{1},
              config.at({"training.enable_cpu_offload"}));
  }
  const std::int64_t ep = config.count({"parallelism.expert_parallel_degree"}, 1);
  const std::int64_t etp = config.count({"parallelism.expert_tensor_parallel_degree"}, 1);
  if (ep > 1) draft.set("strategy.ep", ep, config.at({"parallelism.expert_parallel_degree"}));
  if (etp > 1)
    draft.set("strategy.etp", etp, config.at({"parallelism.expert_tensor_parallel_degree"}));
  const auto rotate = {"parallelism.context_parallel_rotate_method"};
  if (config.choice(rotate, "allgather", {"allgather", "alltoall"}) == "alltoall" && is.cp > 1) {
    draft.set("strategy.cp_type", std::string("ring"), config.at(rotate));
  }
  const auto async = {"parallelism.enable_async_tensor_parallel",
                      "experimental.enable_async_tensor_parallel"};
  if (config.flag(async) && is.tp > 1) draft.set("strategy.overlap.tp", true, config.at(async));
  config.note_rest();
}

Imported import_torchtitan(const ImportRequest& request) {
  ImportDraft draft(request);
  draft_torchtitan(draft);
  return draft.finish();
}

}  // namespace formats
