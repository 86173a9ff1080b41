// Other spellings of keys, and what to say about a key that is none.
#include "scenarios/key_info.hpp"

#include <fmt/core.h>

#include "scenarios/keys.hpp"

namespace scenarios {
namespace {

// Names of Megatron-LM, torchtitan, DeepSpeed and NeMo arguments for the same settings.
constexpr Alias kAliases[] = {
    {"strategy.tensor_parallel", "strategy.tp"},
    {"strategy.tensor_model_parallel_size", "strategy.tp"},
    {"strategy.tensor_parallel_size", "strategy.tp"},
    {"strategy.tensor_parallel_degree", "strategy.tp"},
    {"strategy.tp_size", "strategy.tp"},
    {"strategy.enable_sequence_parallel", "strategy.sequence_parallel"},
    {"strategy.pipeline_parallel", "strategy.pp"},
    {"strategy.pipeline_model_parallel_size", "strategy.pp"},
    {"strategy.pipeline_parallel_size", "strategy.pp"},
    {"strategy.pipeline_parallel_degree", "strategy.pp"},
    {"strategy.pp_size", "strategy.pp"},
    {"strategy.virtual_pipeline_model_parallel_size", "strategy.vpp"},
    {"strategy.num_virtual_stages_per_pipeline_rank", "strategy.vpp"},
    {"strategy.pipeline_parallel_schedule", "strategy.schedule"},
    {"strategy.pipeline_schedule", "strategy.schedule"},
    {"strategy.context_parallel", "strategy.cp"},
    {"strategy.context_parallel_size", "strategy.cp"},
    {"strategy.context_parallel_degree", "strategy.cp"},
    {"strategy.cp_size", "strategy.cp"},
    {"strategy.cp_comm_type", "strategy.cp_type"},
    {"strategy.expert_parallel", "strategy.ep"},
    {"strategy.expert_model_parallel_size", "strategy.ep"},
    {"strategy.expert_parallel_size", "strategy.ep"},
    {"strategy.expert_parallel_degree", "strategy.ep"},
    {"strategy.ep_size", "strategy.ep"},
    {"strategy.expert_tensor_parallel", "strategy.etp"},
    {"strategy.expert_tensor_parallel_size", "strategy.etp"},
    {"strategy.data_parallel", "strategy.dp"},
    {"strategy.data_parallel_size", "strategy.dp"},
    {"strategy.dp_size", "strategy.dp"},
    {"strategy.zero_stage", "strategy.zero"},
    {"strategy.dp_shard", "strategy.shard_group"},
    {"strategy.data_parallel_shard_degree", "strategy.shard_group"},
    {"strategy.dp_shard_size", "strategy.shard_group"},
    {"strategy.zero_hpz_partition_size", "strategy.secondary_shard"},
    {"strategy.overlap_moe_expert_parallel_comm", "strategy.overlap.ep_passes"},
    {"strategy.delay_wgrad_compute", "strategy.overlap.delay_wgrad"},
    {"strategy.pipeline_model_parallel_layout", "strategy.pp_layout.layout"},
    {"strategy.microbatch_group_size_per_virtual_pipeline_stage", "strategy.micro_batch_group"},
    {"training.seq_length", "training.seq_len"},
    {"training.sequence_length", "training.seq_len"},
    {"training.global_batch_size", "training.global_batch"},
    {"training.train_batch_size", "training.global_batch"},
    {"training.micro_batch_size", "training.micro_batch"},
    {"training.train_micro_batch_size_per_gpu", "training.micro_batch"},
    {"training.local_batch_size", "training.micro_batch"},
    {"training.dtype", "training.precision"},
    {"training.recompute_granularity", "training.recompute"},
    {"model.num_layers", "model.layers"},
    {"model.num_hidden_layers", "model.layers"},
    {"model.hidden_size", "model.hidden"},
    {"model.num_attention_heads", "model.heads"},
    {"model.num_heads", "model.heads"},
    {"model.num_key_value_heads", "model.kv_heads"},
    {"model.num_query_groups", "model.kv_heads"},
    {"model.kv_channels", "model.head_dim"},
    {"model.ffn_hidden_size", "model.ffn"},
    {"model.intermediate_size", "model.ffn"},
    {"model.vocab_size", "model.vocab"},
    {"model.tie_word_embeddings", "model.tied_embeddings"},
    {"model.max_position_embeddings", "model.max_positions"},
    {"model.sliding_window", "model.window"},
    {"model.moe.num_experts", "model.moe.experts"},
    {"model.moe.topk", "model.moe.top_k"},
    {"cluster.num_gpus", "cluster.gpus"},
    {"cluster.world_size", "cluster.gpus"},
};

std::string_view leaf(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  return dot == std::string_view::npos ? path : path.substr(dot + 1);
}

std::string_view canonical(std::string_view path) {
  for (const Alias& alias : aliases()) {
    if (alias.spelling == path) return alias.path;
  }
  return path;
}

// The names that may follow `prefix`, without repetition, in the order of the table.
std::vector<std::string> names_below(const std::string& prefix, const std::vector<KeyInfo>& table) {
  std::vector<std::string> names;
  for (const KeyInfo& info : table) {
    if (!info.path.starts_with(prefix)) continue;
    const std::string_view rest = info.path.substr(prefix.size());
    std::string name(rest.substr(0, rest.find('.')));
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  if (prefix.empty() && std::find(names.begin(), names.end(), "model") != names.end()) {
    names.insert(names.end(), {"strategies", "extends"});
  }
  return names;
}

// Where a key of this name exists, though not here; empty when nowhere.
std::string elsewhere(std::string_view name, const std::vector<KeyInfo>& table) {
  for (const KeyInfo& info : table) {
    if (leaf(info.path) == name) return std::string(info.path);
  }
  for (const Alias& alias : aliases()) {
    if (leaf(alias.spelling) == name) return std::string(alias.path);
  }
  return {};
}

std::string hint_for(const std::string& name, const std::string& prefix,
                     const std::vector<KeyInfo>& table) {
  const std::vector<std::string> names = names_below(prefix, table);
  std::vector<std::string> candidates = names;
  for (const Alias& alias : aliases()) {
    if (alias.spelling.starts_with(prefix)) {
      candidates.emplace_back(alias.spelling.substr(prefix.size()));
    }
  }
  if (const std::string other = elsewhere(name, table); !other.empty()) {
    return fmt::format("did you mean `{}`?", other);
  }
  if (const std::string near = nearest(name, candidates); !near.empty()) {
    const std::string full = prefix + near;
    const std::string_view known = canonical(full);
    return known == full ? fmt::format("did you mean `{}`?", near)
                         : fmt::format("did you mean `{}` (= {})?", near, known);
  }
  std::string list;
  for (const std::string& each : names) list += (list.empty() ? "" : ", ") + each;
  return fmt::format("known keys here: {}", list);
}

}  // namespace

std::span<const Alias> aliases() { return kAliases; }

void report_unknown_key(const Entry& entry, const std::string& prefix,
                        const std::vector<KeyInfo>& table, ReadContext& context) {
  constexpr std::size_t longest = 64;
  const std::string shown =
      entry.key.size() > longest ? entry.key.substr(0, longest) + "..." : entry.key;
  context.diagnostics.error(entry.key_at, prefix + shown,
                            fmt::format("unknown key `{}{}`", prefix, shown),
                            hint_for(entry.key, prefix, table));
}

}  // namespace scenarios
