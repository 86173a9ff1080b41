// The model part of the Resolver.
#include <fmt/core.h>

#include <utility>

#include "scenarios/resolve.hpp"

namespace scenarios {
namespace {

constexpr std::size_t kMaxBlocks = 10'000;
constexpr std::string_view kStart =
    "name a catalogue model (`stepcast list models`), or give layers, hidden, heads and vocab";

// Llama's rule for gated blocks: 2/3 of 4 hidden, rounded up to a multiple of 256 (the
// `multiple_of` of the LLaMA reference code, arXiv 2302.13971).
std::int64_t usual_ffn(std::int64_t hidden, bool gated) {
  constexpr std::int64_t multiple = 256;
  if (!gated) return 4 * hidden;
  return (8 * hidden / 3 + multiple - 1) / multiple * multiple;
}

using Op = models::ListedOperator;

// The first size that an operator of this type cannot do without and does not have.
const char* missing_size(const Op& op) {
  switch (op.type) {
    case Op::Type::linear:
    case Op::Type::embedding:
      return op.in == 0 ? "in" : (op.out == 0 ? "out" : nullptr);
    case Op::Type::conv2d:
      if (op.in_channels == 0) return "in_channels";
      if (op.out_channels == 0) return "out_channels";
      return op.height == 0 ? "height" : (op.width == 0 ? "width" : nullptr);
    case Op::Type::attention:
      return op.heads == 0 ? "heads" : (op.head_dim == 0 ? "head_dim" : nullptr);
    case Op::Type::norm:
    case Op::Type::elementwise:
      return op.elements == 0 ? "elements" : nullptr;
  }
  return nullptr;
}

}  // namespace

models::Model Resolver::model() {
  const bool listed = !draft_.model.blocks.empty();
  models::Model model = listed ? operator_list() : models::Model{};
  if (!listed) {
    transformer_shape();
    transformer_parts();
    model.architecture = draft_.model.transformer;
  }
  model.name = draft_.model.base;
  if (model.name.empty()) model.name = draft_.model.hf.empty() ? "inline" : draft_.model.hf;
  return model;
}

models::Model Resolver::operator_list() {
  models::OperatorList list;
  for (BlockDraft& block : draft_.model.blocks) {
    if (block.operators.empty()) {
      diagnostics_.error(locate("model.blocks"), "model.blocks", "a block without operators",
                         "give operators: [{type: linear, in: 512, out: 512}]");
    }
    for (Op& op : block.operators) {
      const char* missing = missing_size(op);
      if (missing == nullptr) continue;
      diagnostics_.error(
          locate("model.blocks"), "model.blocks",
          fmt::format("operator '{}' of block '{}' lacks `{}`", op.name, block.name, missing));
    }
    for (std::int64_t i = 0; i < block.repeat && list.blocks.size() <= kMaxBlocks; ++i) {
      list.blocks.push_back({block.name, block.operators});
    }
  }
  if (list.blocks.size() > kMaxBlocks) {
    diagnostics_.error(locate("model.blocks"), "model.blocks",
                       fmt::format("more than {} blocks", kMaxBlocks), "merge blocks");
  }
  models::Model model;
  model.architecture = std::move(list);
  return model;
}

void Resolver::transformer_shape() {
  for (const char* key : {"model.layers", "model.hidden", "model.heads", "model.vocab"}) {
    require(key, std::string(kStart));
  }
  models::Transformer& shape = draft_.model.transformer;
  if (shape.hidden == 0 || shape.heads == 0) return;
  settle("model.kv_heads", shape.kv_heads, shape.heads, "model.heads");
  if (shape.mla) {
    settle("model.head_dim", shape.head_dim, shape.mla->qk_nope_head_dim,
           "model.mla.qk_nope_head_dim");
  } else if (!given("model.head_dim") && shape.hidden % shape.heads != 0) {
    diagnostics_.error(locate("model.heads"), "model.heads",
                       fmt::format("{} heads do not divide hidden = {}", shape.heads, shape.hidden),
                       "give model.head_dim, or other heads");
  }
  settle("model.head_dim", shape.head_dim, shape.hidden / shape.heads, "hidden / heads");
  settle("model.ffn", shape.ffn, usual_ffn(shape.hidden, shape.gated_mlp),
         shape.gated_mlp ? "8/3 hidden" : "4 hidden");
  if (shape.heads % shape.kv_heads != 0) {
    diagnostics_.error(
        locate("model.kv_heads"), "model.kv_heads",
        fmt::format("{} KV heads do not divide {} heads", shape.kv_heads, shape.heads),
        "each KV head serves the same number of query heads");
  }
}

void Resolver::transformer_parts() {
  models::Transformer& shape = draft_.model.transformer;
  if (shape.moe) {
    require("model.moe.experts", "give the number of routed experts");
    require("model.moe.top_k", "give the experts a token is sent to");
    settle("model.moe.ffn", shape.moe->ffn, shape.ffn, "model.ffn");
    if (given("model.moe.experts") && shape.moe->top_k > shape.moe->experts) {
      diagnostics_.error(locate("model.moe.top_k"), "model.moe.top_k",
                         fmt::format("a token cannot go to {} of {} experts", shape.moe->top_k,
                                     shape.moe->experts),
                         fmt::format("at most {}", shape.moe->experts));
    }
  }
  if (!shape.mla) return;
  for (const char* key : {"model.mla.kv_lora_rank", "model.mla.qk_nope_head_dim",
                          "model.mla.qk_rope_head_dim", "model.mla.v_head_dim"}) {
    require(key, "latent attention needs all its sizes");
  }
}

}  // namespace scenarios
