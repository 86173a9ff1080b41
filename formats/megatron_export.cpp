// A scenario as arguments of Megatron-LM's pretrain_gpt.py, one a line. Names and choices as
// megatron/training/arguments.py of NVIDIA/Megatron-LM has them.
#include <fmt/format.h>

#include <algorithm>

#include "formats/carried.hpp"
#include "formats/megatron.hpp"
#include "formats/megatron_pattern.hpp"

namespace formats {
namespace {

using scenarios::Scenario;

constexpr CarriedReason kReasons[] = {
    {"model.causal", "pretrain_gpt.py trains causal models"},
    {"model.position", "Megatron-LM has no ALiBi"},
    {"training.precision", "fp32 products use TF32 as torch is set up"},
    {"training.optimizer", "its optimizers are adam, sgd and muon"},
    {"training.grad_dtype", "fp16 runs sum gradients in fp16 or fp32, others in bf16 or fp32"},
    {"training.deallocate_early",
     "Megatron-LM always frees stage outputs, and keeps what backward could rebuild"},
    {"training.fp8_recipe", "its recipes are delayed, tensorwise, blockwise and mxfp8"},
    {"training.fp8_amax_reduce", "tp_only_amax_red is no argument"},
    {"training.moe_balance", "how tokens spread follows from the data"},
    {"training.recompute", "it recomputes core_attn, mlp, moe, layernorm, moe_act, mla_up_proj"},
    {"training.recompute.", "it recomputes core_attn, mlp, moe, layernorm, moe_act, mla_up_proj"},
    {"training.saved.", "activation_func_fp8_input_store is no argument"},
    {"training.compile", "Megatron-LM runs without torch.compile"},
    {"strategy.schedule", "its schedules are 1F1B and interleaved"},
    {"strategy.zero", "--data-parallel-sharding-strategy"},
    {"strategy.overlap.param_gather", "it needs overlap.grad_reduce"},
    {"strategy.cp_balance", "sequences lie head and tail on ranks"},
    {"strategy.grad_reduce", "gradients are reduced once a step"},
    {"strategy.ep_dispatch_dtype", "the dispatcher decides"},
    {"strategy.rank_order", "tp-cp-ep-dp-pp, or pp before dp"},
    {"implementation.base", "kernels, buffers and overlap are those of the code base"},
};

bool idle(const Scenario& scenario, std::string_view key) {
  const strategies::Plan& plan = scenario.plan;
  const models::Transformer* model = scenario.model.transformer();
  const bool experts = model != nullptr && model->moe;
  if (key == "strategy.overlap.param_gather") return plan.zero == 0;
  if (key == "strategy.overlap.p2p") return plan.pp == 1;
  if (key == "strategy.overlap.tp" || key == "strategy.sequence_parallel") return plan.tp == 1;
  if (key.starts_with("strategy.cp_")) return plan.cp == 1;
  if (key.starts_with("strategy.ep") || key == "strategy.etp") return !experts;
  if (key == "strategy.max_in_flight") return plan.schedule != "memory-bounded";
  if (key.starts_with("training.fp8_")) {
    return scenario.training.precision != models::Precision::fp8;
  }
  return key == "strategy.rank_order" && (plan.pp == 1 || plan.dp == 1) &&
         plan.rank_order.starts_with("tp-cp-ep");
}

std::string header(const Scenario& scenario) {
  const std::int64_t gpus = scenario.cluster.gpus;
  const std::int64_t node = std::min<std::int64_t>(gpus, scenario.cluster.gpus_per_node);
  std::string name = scenario.name;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  std::string out = fmt::format(
      "# {}\n# Arguments of Megatron-LM's pretrain_gpt.py; rendezvous, data, learning rate and "
      "checkpoints are yours to add.\n",
      name);
  // Megatron-LM insists, but for FSDP and for Blackwell.
  if ((scenario.plan.tp > 1 || scenario.plan.cp > 1) && scenario.plan.zero < 2) {
    out += "export CUDA_DEVICE_MAX_CONNECTIONS=1\n";
  }
  const std::int64_t nodes = (gpus + node - 1) / node;
  return out + fmt::format("torchrun --nproc-per-node {} --nnodes {} pretrain_gpt.py", node, nodes);
}

void implementation_lines(const Scenario& scenario, Lines& out) {
  const strategies::Implementation& code = scenario.implementation;
  const models::KernelProfile& kernels = code.kernels;
  const models::Transformer& model = *scenario.model.transformer();
  const char* dropout = kernels.dropout ? "0.1" : "0";
  out.push_back(fmt::format("--attention-dropout {}", dropout));
  out.push_back(fmt::format("--hidden-dropout {}", dropout));
  if (!kernels.fused_softmax && scenario.training.attention == models::AttentionKernel::math) {
    out.emplace_back("--no-masked-softmax-fusion");
  }
  if (!kernels.fused_activation) {
    out.emplace_back(model.gated_mlp ? "--no-bias-swiglu-fusion" : "--no-bias-gelu-fusion");
  }
  if (!kernels.fused_bias_dropout) out.emplace_back("--no-bias-dropout-fusion");
  if (!kernels.fused_rope && model.position == models::Position::rope) {
    out.emplace_back("--no-rope-fusion");
  }
  if (!kernels.weight_gradient_accumulation_fused) {
    out.emplace_back("--no-gradient-accumulation-fusion");
  }
  if (kernels.fused_cross_entropy) out.emplace_back("--cross-entropy-loss-fusion");
  if (code.fp8_parameter_gather && scenario.training.precision == models::Precision::fp8 &&
      scenario.plan.zero > 0) {
    out.emplace_back("--fp8-param-gather");
  }
  if (code.expert_exchange_sms > 0 &&
      scenario.plan.ep_dispatch == strategies::EpDispatch::node_limited) {
    out.push_back(fmt::format("--moe-deepep-num-sms {}", code.expert_exchange_sms));
  }
}

}  // namespace

void megatron_model_lines(const Scenario& scenario, Lines& out) {
  const models::Transformer& model = *scenario.model.transformer();
  const auto add = [&](const char* name, std::int64_t value) {
    out.push_back(fmt::format("{} {}", name, value));
  };
  add("--num-layers", model.layers);
  add("--hidden-size", model.hidden);
  add("--ffn-hidden-size", model.ffn);
  add("--num-attention-heads", model.heads);
  if (!model.mla && model.kv_heads != model.heads) {
    out.emplace_back("--group-query-attention");
    add("--num-query-groups", model.kv_heads);
  }
  if (!model.mla && model.head_dim * model.heads != model.hidden) {
    add("--kv-channels", model.head_dim);
  }
  add("--max-position-embeddings", model.position == models::Position::learned
                                       ? model.max_positions
                                       : std::max(model.max_positions, scenario.training.seq_len));
  const bool none =
      model.position == models::Position::none || model.position == models::Position::alibi;
  const bool learned = model.position == models::Position::learned;
  out.push_back(fmt::format("--position-embedding-type {}",
                            none ? "none" : (learned ? "learned_absolute" : "rope")));
  out.push_back(fmt::format("--normalization {}",
                            model.norm == models::Norm::rmsnorm ? "RMSNorm" : "LayerNorm"));
  if (model.gated_mlp) out.emplace_back("--swiglu");
  if (!model.bias) out.emplace_back("--disable-bias-linear");
  if (!model.bias && model.qkv_bias) out.emplace_back("--add-qkv-bias");
  // Latent attention has norms behind its compressions.
  if (model.qk_norm || model.mla) out.emplace_back("--qk-layernorm");
  if (!model.tied_embeddings) out.emplace_back("--untie-embeddings-and-output-weights");
  if (model.window > 0) out.push_back(fmt::format("--window-size {},0", model.window - 1));
  // A NullTokenizer adds one for the end of a document.
  out.emplace_back("--tokenizer-type NullTokenizer");
  add("--vocab-size", model.vocab - 1);
  add("--make-vocab-size-divisible-by", scenario.implementation.vocab_multiple);
  if (model.mla) {
    out.emplace_back("--multi-latent-attention");
    if (model.mla->q_lora_rank > 0) add("--q-lora-rank", model.mla->q_lora_rank);
    add("--kv-lora-rank", model.mla->kv_lora_rank);
    add("--qk-head-dim", model.mla->qk_nope_head_dim);
    add("--qk-pos-emb-head-dim", model.mla->qk_rope_head_dim);
    add("--v-head-dim", model.mla->v_head_dim);
  }
  if (model.mtp_layers > 0) add("--mtp-num-layers", model.mtp_layers);
  if (!model.moe) return;
  const models::Moe& moe = *model.moe;
  add("--num-experts", moe.experts);
  add("--moe-router-topk", moe.top_k);
  add("--moe-ffn-hidden-size", moe.ffn);
  if (moe.shared_ffn > 0) add("--moe-shared-expert-intermediate-size", moe.shared_ffn);
  if (moe.every > 1 || moe.first_dense_layers > 0) {
    const auto pattern = pattern_of({moe.first_dense_layers, moe.every}, model.layers);
    out.push_back(fmt::format("--moe-layer-freq '{}'", pattern_text(pattern)));
  }
  if (moe.capacity_factor > 0.0) {
    out.push_back(fmt::format("--moe-expert-capacity-factor {}", moe.capacity_factor));
  }
  // Groups of experts are nodes: as many as an expert-parallel group lies on.
  const std::int64_t ranks = scenario.plan.ep * scenario.plan.etp;
  const std::int64_t nodes = ranks / std::max<std::int64_t>(1, scenario.cluster.gpus_per_node);
  if (moe.node_limit > 0 && moe.node_limit <= nodes && moe.experts % nodes == 0) {
    add("--moe-router-num-groups", nodes);
    add("--moe-router-group-topk", moe.node_limit);
  }
  if (moe.router_bias) {
    out.emplace_back("--moe-router-score-function sigmoid");
    out.emplace_back("--moe-router-enable-expert-bias");
  }
  if (scenario.training.precision != models::Precision::fp32 &&
      scenario.training.precision != models::Precision::fp16) {
    out.emplace_back("--moe-grouped-gemm");
  }
}

std::vector<Note> export_megatron(const Scenario& scenario, const FileSink& file) {
  if (scenario.model.transformer() == nullptr) {
    throw scenarios::ScenarioError(
        scenarios::ErrorKind::invalid_input,
        {{scenario.files.empty() ? scenario.name : scenario.files.front(), 0, 0, "model",
          "Megatron-LM's arguments have no words for a model that is a list of operators",
          "a transformer: layers, hidden, heads", ""}});
  }
  Lines lines;
  megatron_model_lines(scenario, lines);
  megatron_training_lines(scenario, lines);
  megatron_strategy_lines(scenario, lines);
  implementation_lines(scenario, lines);
  ExportedFile out{header(scenario), &draft_megatron, kReasons, &idle};
  for (const std::string& line : lines) out.text += " \\\n  " + line;
  out.text += '\n';
  file("", out.text);
  return not_carried(scenario, out);
}

}  // namespace formats
