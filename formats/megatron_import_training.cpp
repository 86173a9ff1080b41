// Megatron-LM's arguments as a scenario: batch, precision, optimizer, what backward keeps.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "formats/megatron.hpp"

namespace formats {
namespace {

void precision(ImportDraft& draft, MegatronArguments& args) {
  const bool bf16 = args.has("--bf16");
  const bool fp16 = args.has("--fp16");
  if (bf16 && fp16) {
    draft.fault(args.at("--fp16"), "--fp16 and --bf16 exclude each other", "one of them");
  }
  const bool fp8 = args.has("--fp8-format") || args.has("--fp8-hybrid") || args.has("--fp8-e4m3");
  const bool fp4 = args.has("--fp4-format");
  args.choice("--fp8-format", "hybrid", {"e4m3", "hybrid"});
  args.choice("--fp4-format", "e2m1", {"e2m1"});
  if (fp8 && fp4) {
    draft.fault(args.at("--fp4-format"), "--fp4-format and --fp8-format exclude each other",
                "one of them");
  }
  const char* name = fp4 ? "fp4" : (fp8 ? "fp8" : (bf16 ? "bf16" : (fp16 ? "fp16" : "fp32")));
  draft.set("training.precision", std::string(name),
            args.at(fp4 ? "--fp4-format" : (fp8 ? "--fp8-format" : (bf16 ? "--bf16" : "--fp16"))));
  const std::string recipe = args.choice("--fp8-recipe", "delayed",
                                         {"tensorwise", "delayed", "mxfp8", "blockwise", "custom"});
  if (fp8 && recipe == "custom") {
    draft.note(args.at("--fp8-recipe"), "a custom recipe has no counterpart: delayed is assumed");
  } else if (fp8 && recipe != "delayed") {
    draft.set("training.fp8_recipe", recipe, args.at("--fp8-recipe"));
  }
  // Gradients: bf16 runs sum in fp32 unless told otherwise, fp16 runs where they are told to.
  const bool fp32_sums = args.has("--accumulate-allreduce-grads-in-fp32");
  const bool reduced = args.has("--grad-reduce-in-bf16") ||
                       args.choice("--main-grads-dtype", "fp32", {"fp32", "bf16"}) == "bf16";
  if (fp16 && !fp32_sums) {
    draft.set("training.grad_dtype", std::string("fp16"), args.at("--fp16"));
  } else if (reduced && !fp32_sums) {
    draft.set("training.grad_dtype", std::string("bf16"), args.at("--grad-reduce-in-bf16"));
  }
}

void optimizer(ImportDraft& draft, MegatronArguments& args) {
  const std::string name = args.choice("--optimizer", "adam", {"adam", "sgd", "muon", "dist_muon"});
  const Place at = args.at("--optimizer");
  if (name == "sgd") {
    const double momentum = args.number("--sgd-momentum").value_or(0.9);
    return draft.set("training.optimizer", std::string(momentum > 0.0 ? "sgd-momentum" : "sgd"),
                     at);
  }
  if (name != "adam") {
    draft.note(at, fmt::format("optimizer {} has no counterpart: adamw is assumed", name));
  }
  if (!args.has("--use-precision-aware-optimizer")) return;
  const std::vector<std::string> types{"fp32", "fp16", "bf16", "fp8"};
  const std::string first = args.choice("--exp-avg-dtype", "fp32", types);
  const std::string second = args.choice("--exp-avg-sq-dtype", "fp32", types);
  const Place types_at = args.at("--exp-avg-dtype");
  if (first == "fp8" && second == "fp8") {
    draft.set("training.optimizer", std::string("adamw-8bit"), types_at);
  } else if ((first == "bf16" || first == "fp16") && second == first) {
    draft.set("training.optimizer", std::string("adamw-bf16"), types_at);
  } else if (first != "fp32" || second != "fp32") {
    draft.note(types_at, fmt::format("moments in {} and {} have no counterpart: fp32 is assumed",
                                     first, second));
  }
}

void selective(ImportDraft& draft, MegatronArguments& args) {
  constexpr std::array<std::string_view, 6> kModules{"core_attn", "mlp",     "moe",
                                                     "layernorm", "moe_act", "mla_up_proj"};
  std::vector<std::string> modules;
  for (const std::string& module : args.texts("--recompute-modules")) {
    if (std::find(kModules.begin(), kModules.end(), module) != kModules.end()) {
      modules.push_back(module);
    } else {
      draft.note(args.at("--recompute-modules"),
                 fmt::format("recomputing {} has no counterpart", module));
    }
  }
  if (args.has("--moe-layer-recompute")) modules.emplace_back("moe");
  if (modules.empty() || modules == std::vector<std::string>{"core_attn"}) {
    draft.set("training.recompute", std::string("selective"), args.at("--recompute-granularity"));
  } else {
    draft.set("training.recompute.modules", fmt::format("[{}]", fmt::join(modules, ", ")),
              args.at("--recompute-modules"));
  }
}

void recompute(ImportDraft& draft, MegatronArguments& args) {
  std::string granularity = args.choice("--recompute-granularity", "none", {"full", "selective"});
  if (args.has("--recompute-activations")) granularity = "selective";
  if (granularity == "none" && args.has("--moe-layer-recompute")) granularity = "selective";
  const bool method_given = args.has("--recompute-method");
  const std::string method = args.choice("--recompute-method", "none", {"uniform", "block"});
  const Place at = args.at("--recompute-granularity");
  if (granularity == "selective") {
    if (method_given) {
      draft.fault(args.at("--recompute-method"),
                  "--recompute-method is for --recompute-granularity full",
                  "leave it out, or recompute full");
    }
    return selective(draft, args);
  }
  if (granularity != "full") return;
  if (method == "none") {
    draft.fault(at,
                "--recompute-granularity full needs --recompute-method and "
                "--recompute-num-layers",
                "--recompute-method uniform --recompute-num-layers 1");
    return;
  }
  const std::int64_t layers = args.count_or("--recompute-num-layers", 1);
  const Place count_at = args.at("--recompute-num-layers");
  if (method == "uniform" && layers == 1) {
    draft.set("training.recompute", std::string("full"), at);
  } else {
    draft.set(method == "uniform" ? "training.recompute.every" : "training.recompute.layers",
              layers, count_at);
  }
}

void graphs(ImportDraft& draft, MegatronArguments& args) {
  std::string kind =
      args.choice("--cuda-graph-impl", "none", {"none", "local", "transformer_engine"});
  if (args.has("--enable-cuda-graph")) kind = "local";
  if (args.has("--external-cuda-graph")) kind = "transformer_engine";
  const std::string scope =
      args.choice("--cuda-graph-scope", "full", {"full", "attn", "full_iteration"});
  if (kind == "none") return;
  draft.set("training.cuda_graph", true, args.at("--cuda-graph-impl"));
  if (scope != "attn") return;
  if (draft.find("model.moe.experts") != nullptr) {
    draft.set("training.cuda_graph_experts", false, args.at("--cuda-graph-scope"));
  } else {
    draft.note(args.at("--cuda-graph-scope"),
               "a graph of attention alone has no counterpart: it holds whole layers here");
  }
}

}  // namespace

void draft_megatron_training(ImportDraft& draft, MegatronArguments& args) {
  const auto longer = args.count("--encoder-seq-length");
  const auto length = args.has("--seq-length") ? args.count("--seq-length") : longer;
  if (length) {
    draft.set("training.seq_len", *length, args.at("--seq-length"));
  } else if (!args.has("--seq-length")) {
    draft.fault({}, "--seq-length is not in the file", "pretrain_gpt.py cannot do without it");
  }
  const auto positions = args.count("--max-position-embeddings");
  if (length && positions && *positions < *length) {
    draft.fault(
        args.at("--max-position-embeddings"),
        fmt::format("--max-position-embeddings {} is below --seq-length {}", *positions, *length),
        fmt::format("{} or more", *length));
  }
  if (!args.has("--micro-batch-size")) {
    draft.fault({}, "--micro-batch-size is not in the file",
                "pretrain_gpt.py cannot do without it");
  }
  draft.set("training.micro_batch", args.count_or("--micro-batch-size", 1),
            args.at("--micro-batch-size"));
  precision(draft, args);
  optimizer(draft, args);
  recompute(draft, args);
  const std::string attention =
      args.choice("--attention-backend", "auto", {"flash", "fused", "unfused", "local", "auto"});
  args.has("--use-flash-attn");
  if (attention == "unfused" || attention == "local") {
    draft.set("training.attention", std::string("math"), args.at("--attention-backend"));
  }
  graphs(draft, args);
}

}  // namespace formats
