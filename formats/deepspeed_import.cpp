// DeepSpeed's ds_config.json as a scenario. Names and defaults: docs/_pages/config-json.md of
// microsoft/DeepSpeed. It knows no model and no sequence: those are assumed.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "formats/benchmark_text.hpp"
#include "formats/deepspeed.hpp"

namespace formats {
namespace {

using namespace std::string_view_literals;
using nlohmann::json;

constexpr const char* kModel = "llama2-7b";
constexpr std::int64_t kSequence = 4096;

// What begins so has no effect on a step as far as it is modelled.
constexpr std::string_view kQuiet =
    "optimizer.params scheduler gradient_clipping steps_per_print wall_clock_breakdown dump_state "
    "prescale_gradients gradient_predivide_factor fp16. bf16. tensorboard wandb csv_monitor "
    "comms_logger flops_profiler autotuning elasticity checkpoint data_efficiency aio "
    "zero_allow_untested_optimizer zero_force_ds_cpu_optimizer memory_breakdown "
    "zero_optimization.stage3_gather zero_optimization.allgather_partitions "
    "zero_optimization.contiguous_gradients zero_optimization.sub_group_size "
    "zero_optimization.ignore_unused_parameters zero_optimization.round_robin_gradients "
    "zero_optimization.offload_optimizer. zero_optimization.offload_param.";

class Config {
 public:
  explicit Config(ImportDraft& draft) : draft_(draft) {
    root_ = json::parse(draft.request().text, nullptr, false, true);
    if (root_.is_object()) return;
    std::size_t byte = 0;
    try {
      byte = json::parse(draft.request().text, nullptr, true, true).is_null() ? 0 : 1;
    } catch (const json::parse_error& error) {
      byte = error.byte;
    }
    draft.fault(draft.place(byte > 0 ? byte - 1 : 0), "this is no JSON object",
                "what deepspeed.initialize takes as its config");
    root_ = json::object();
    broken_ = true;
  }

  bool broken() const { return broken_; }

  // Of a dotted name; null where it is absent or left to the caller ("auto").
  const json* find(const std::string& name) {
    asked_.insert(name);
    const json* node = &root_;
    for (std::size_t begin = 0; begin <= name.size();) {
      const std::size_t dot = std::min(name.find('.', begin), name.size());
      const std::string key = name.substr(begin, dot - begin);
      if (!node->is_object() || !node->contains(key)) return nullptr;
      node = &(*node)[key];
      begin = dot + 1;
    }
    if (*node == "auto") {
      draft_.note(at(name), fmt::format("{} is left to the caller (auto)", name));
      return nullptr;
    }
    return node;
  }

  // Where the last part of the name stands, behind the parts before it.
  Place at(const std::string& name) const {
    const std::string& text = draft_.request().text;
    std::size_t from = 0;
    for (std::size_t begin = 0; begin <= name.size();) {
      const std::size_t dot = std::min(name.find('.', begin), name.size());
      from = text.find(fmt::format("\"{}\"", name.substr(begin, dot - begin)), from);
      if (from == std::string::npos) return {};
      begin = dot + 1;
    }
    return draft_.place(from);
  }

  std::optional<std::int64_t> count(const std::string& name, std::int64_t least = 1,
                                    double most = 1e12) {
    const json* node = find(name);
    if (node == nullptr || node->is_null()) return std::nullopt;
    // 5e8 is how people write buckets.
    if (node->is_number() && node->get<double>() >= static_cast<double>(least) &&
        node->get<double>() <= most && node->get<double>() == std::floor(node->get<double>())) {
      return static_cast<std::int64_t>(node->get<double>());
    }
    draft_.fault(at(name), fmt::format("{} takes a whole number, found {}", name, node->dump()),
                 fmt::format("{} or more", least));
    return std::nullopt;
  }

  bool flag(const std::string& name, bool otherwise = false) {
    const json* node = find(name);
    if (node == nullptr) return otherwise;
    if (node->is_boolean()) return node->get<bool>();
    draft_.fault(at(name), fmt::format("{} takes a truth value, found {}", name, node->dump()),
                 "true or false");
    return otherwise;
  }

  std::string text(const std::string& name) {
    const json* node = find(name);
    return node != nullptr && node->is_string() ? node->get<std::string>() : std::string();
  }

  void note_rest() { note_rest(root_, ""); }

 private:
  void note_rest(const json& object, const std::string& prefix) {
    const std::vector<std::string_view> silent = words_of(kQuiet);
    for (const auto& [key, value] : object.items()) {
      const std::string name = prefix + key;
      const bool quiet = std::any_of(silent.begin(), silent.end(),
                                     [&](auto start) { return name.starts_with(start); });
      if (quiet || asked_.contains(name)) continue;
      if (value.is_object()) {
        note_rest(value, name + ".");
      } else {
        draft_.note(at(name), fmt::format("{} has no counterpart in a scenario", name));
      }
    }
  }

  ImportDraft& draft_;
  json root_;
  std::set<std::string> asked_;
  bool broken_ = false;
};

void batch(ImportDraft& draft, Config& config) {
  // As far as a scenario counts.
  const auto train = config.count("train_batch_size", 1, 1e9);
  const auto micro = config.count("train_micro_batch_size_per_gpu", 1, 1e6);
  const auto steps = config.count("gradient_accumulation_steps", 1, 1e6);
  const std::int64_t tp = config.count("tensor_parallel.autotp_size").value_or(1);
  const std::int64_t cp = config.count("sequence_parallel_size").value_or(1);
  const std::int64_t pp = config.count("pipeline.stages").value_or(1);
  const std::int64_t copy = draft.ranks({tp, cp, pp}, config.at("tensor_parallel.autotp_size"));
  if (tp > 1) draft.set("strategy.tp", tp, config.at("tensor_parallel.autotp_size"));
  if (pp > 1) draft.set("strategy.pp", pp, config.at("pipeline.stages"));
  if (cp > 1) {
    draft.set("strategy.cp", cp, config.at("sequence_parallel_size"));
    draft.set("strategy.cp_type", std::string("ulysses"), config.at("sequence_parallel_size"));
  }
  const bool whole = train && micro && steps && *train % (*micro * *steps) == 0;
  draft.settle_gpus(whole ? *train / (*micro * *steps) * copy : 0, config.at("train_batch_size"),
                    std::max<std::int64_t>(8, copy));
  if (!train && !micro) {
    return draft.fault({},
                       "neither train_batch_size nor train_micro_batch_size_per_gpu is a number",
                       "two of train_batch_size, train_micro_batch_size_per_gpu, "
                       "gradient_accumulation_steps");
  }
  const std::int64_t dp = std::max<std::int64_t>(1, draft.gpus() / copy);
  if (dp * copy != draft.gpus()) {
    draft.fault(config.at("tensor_parallel.autotp_size"),
                fmt::format("{} GPUs do not divide by {}", draft.gpus(), copy), "a multiple of it");
  }
  // Of the three, what is missing follows; accumulation is 1 where two are.
  const std::int64_t times = steps.value_or(train && micro ? *train / (*micro * dp) : 1);
  const std::int64_t each =
      micro.value_or(train.value_or(0) / (std::max<std::int64_t>(1, times) * dp));
  const std::int64_t total = train.value_or(each * times * dp);
  if (each < 1 || times < 1 || each * times * dp != total) {
    return draft.fault(config.at(train ? "train_batch_size" : "train_micro_batch_size_per_gpu"),
                       fmt::format("train_batch_size {} is not train_micro_batch_size_per_gpu {} × "
                                   "gradient_accumulation_steps {} × {} replicas",
                                   total, each, times, dp),
                       "DeepSpeed insists on it; --gpus says how many GPUs there are");
  }
  draft.set("training.global_batch", total, config.at("train_batch_size"));
  draft.set("training.micro_batch", each, config.at("train_micro_batch_size_per_gpu"));
}

void offload(ImportDraft& draft, Config& config, std::int64_t stage) {
  bool nvme = false;
  for (const auto& [name, key] :
       {std::pair{"offload_optimizer", "optimizer"}, std::pair{"offload_param", "parameters"}}) {
    const std::string path = fmt::format("zero_optimization.{}.device", name);
    const std::string device = config.text(path);
    if (device.empty() || device == "none") continue;
    const Place at = config.at(path);
    if (device != "cpu" && device != "nvme") {
      draft.fault(at, fmt::format("{} has no choice '{}'", path, device), "cpu, nvme or none");
    } else if (stage < 3 && (key == "parameters"sv || device == "nvme")) {
      draft.fault(at, fmt::format("{}: {} needs stage 3", path, device),
                  "zero_optimization.stage: 3");
    } else {
      draft.set(fmt::format("strategy.offload.{}", key), std::int64_t{1}, at);
      nvme = nvme || device == "nvme";
    }
  }
  if (config.flag("zero_optimization.cpu_offload")) {
    draft.set("strategy.offload.optimizer", std::int64_t{1},
              config.at("zero_optimization.cpu_offload"));
  }
  if (nvme) draft.set("strategy.offload.nvme", true, config.at("zero_optimization"));
}

void zero(ImportDraft& draft, Config& config) {
  const auto name = [](const char* key) { return fmt::format("zero_optimization.{}", key); };
  const std::int64_t stage = config.count(name("stage"), 0).value_or(0);
  if (stage > 3) {
    return draft.fault(config.at(name("stage")), fmt::format("there is no ZeRO stage {}", stage),
                       "0, 1, 2 or 3");
  }
  if (stage > 0) draft.set("strategy.zero", stage, config.at(name("stage")));
  // From stage 2 on gradients are partitioned after every micro-batch.
  if (stage > 1)
    draft.set("strategy.grad_reduce", std::string("micro_batch"), config.at(name("stage")));
  if (!config.flag(name("overlap_comm"), stage == 3 || stage == 0)) {
    draft.set("strategy.overlap.grad_reduce", false, config.at(name("overlap_comm")));
  }
  if (const auto elements = config.count(name("reduce_bucket_size"))) {
    draft.set("implementation.bucket", fmt::format("{} B", *elements * 2),
              config.at(name("reduce_bucket_size")));
  }
  config.find(name("allgather_bucket_size"));
  if (!config.flag(name("reduce_scatter"), true) && stage == 1) {
    draft.set("implementation.reduces_whole_gradients", true, config.at(name("reduce_scatter")));
  }
  if (const auto size = config.count(name("zero_hpz_partition_size")); size && *size > 1) {
    draft.set("strategy.secondary_shard", *size, config.at(name("zero_hpz_partition_size")));
  }
  if (const auto size = config.count(name("mics_shard_size"), -1); size && *size > 0) {
    draft.set("strategy.shard_group", *size, config.at(name("mics_shard_size")));
  }
  if (config.flag(name("zero_quantized_weights"))) {
    draft.set("strategy.quantized_weights", true, config.at(name("zero_quantized_weights")));
  }
  if (config.flag(name("zero_quantized_gradients"))) {
    draft.set("strategy.quantized_gradients", true, config.at(name("zero_quantized_gradients")));
  }
  offload(draft, config, stage);
}

void precision(ImportDraft& draft, Config& config) {
  const bool bf16 = config.flag("bf16.enabled") || config.flag("bfloat16.enabled");
  const bool fp16 = config.flag("fp16.enabled");
  if (bf16 && fp16) {
    draft.fault(config.at("fp16.enabled"), "fp16 and bf16 exclude each other", "one of them");
  }
  const std::string type = bf16 ? "bf16" : (fp16 ? "fp16" : "fp32");
  draft.set("training.precision", type, config.at(bf16 ? "bf16.enabled" : "fp16.enabled"));
  // Gradients accumulate in the type of the model unless it is said.
  const std::string sums = config.text("data_types.grad_accum_dtype");
  draft.set("training.grad_dtype", sums == "fp32" || sums == "fp16" || sums == "bf16" ? sums : type,
            config.at("data_types.grad_accum_dtype"));
  const std::string optimizer = lower(config.text("optimizer.type"));
  const Place at = config.at("optimizer.type");
  if (optimizer == "sgd") draft.set("training.optimizer", std::string("sgd"), at);
  if (optimizer == "lion") draft.set("training.optimizer", std::string("lion"), at);
  if (!optimizer.empty() && optimizer != "adam" && optimizer != "adamw" && optimizer != "sgd" &&
      optimizer != "lion") {
    draft.note(at, fmt::format("optimizer {} has no counterpart: adamw is assumed", optimizer));
  }
  if (config.find("activation_checkpointing") != nullptr) {
    draft.note(config.at("activation_checkpointing"),
               "whether layers are recomputed is the script's: training.recompute");
  }
}

}  // namespace

void draft_deepspeed(ImportDraft& draft) {
  Config config(draft);
  if (config.broken()) return;
  draft.set("name", yaml_word(file_name(draft.request().file)));
  draft.set("model.base", std::string(kModel));
  draft.set("training.seq_len", kSequence);
  draft.note({}, fmt::format("the model is not in the file: model {} and seq_len {} are assumed",
                             kModel, kSequence));
  draft.set("implementation.base", std::string("deepspeed"));
  batch(draft, config);
  precision(draft, config);
  zero(draft, config);
  config.note_rest();
}

Imported import_deepspeed(const ImportRequest& request) {
  ImportDraft draft(request);
  draft_deepspeed(draft);
  return draft.finish();
}

}  // namespace formats
