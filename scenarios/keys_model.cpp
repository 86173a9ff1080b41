// The rows of `model:`.
#include "scenarios/keys.hpp"

namespace scenarios {
namespace {

using models::Mla;
using models::Moe;
using models::Transformer;

constexpr Range kLayers{1, 1e4};
constexpr Range kSize{1, 1 << 24};  // a dimension of a tensor; products stay below 2^63
constexpr Range kOptionalSize{0, 1 << 24};
constexpr Range kHeads{1, 1 << 16};

template <auto... Path>
constexpr Key<Draft> shape(std::string_view path, std::string_view fallback, std::string_view doc,
                           Range range = {}) {
  return key<Draft, &Draft::model, &ModelDraft::transformer, Path...>(path, fallback, doc, range);
}

template <auto Member>
constexpr Key<Draft> moe(std::string_view path, std::string_view fallback, std::string_view doc,
                         Range range = {}) {
  return shape<&Transformer::moe, Member>(path, fallback, doc, range);
}

template <auto Member>
constexpr Key<Draft> mla(std::string_view path, std::string_view fallback, std::string_view doc,
                         Range range = {}) {
  return shape<&Transformer::mla, Member>(path, fallback, doc, range);
}

const std::vector<Key<Draft>> kModel = {
    key<Draft, &Draft::model, &ModelDraft::base>(
        "model.base", "none", "Catalogue model to start from; `model: NAME` is short for it."),
    key<Draft, &Draft::model, &ModelDraft::hf>(
        "model.hf", "none",
        "A Hugging Face config.json to read the shape from, relative to the scenario."),
    shape<&Transformer::layers>("model.layers", "required", "Transformer layers.", kLayers),
    shape<&Transformer::hidden>("model.hidden", "required", "Width of the residual stream.", kSize),
    shape<&Transformer::heads>("model.heads", "required", "Attention (query) heads.", kHeads),
    shape<&Transformer::kv_heads>("model.kv_heads", "heads", "Key and value heads.", kHeads),
    shape<&Transformer::head_dim>("model.head_dim", "hidden / heads", "Width of one head.", kSize),
    shape<&Transformer::ffn>(
        "model.ffn", "4 hidden; gated: 8/3 hidden, rounded up to 256",
        "Inner width of the feed-forward block (of one of its two inputs when gated).", kSize),
    shape<&Transformer::vocab>("model.vocab", "required", "Vocabulary, without padding.", kSize),
    shape<&Transformer::gated_mlp>("model.gated_mlp", "true",
                                   "SwiGLU-like feed-forward block with three matrices."),
    shape<&Transformer::tied_embeddings>("model.tied_embeddings", "false",
                                         "Input and output embedding are one matrix."),
    shape<&Transformer::bias>("model.bias", "false", "A bias on every linear layer."),
    shape<&Transformer::qkv_bias>("model.qkv_bias", "false",
                                  "A bias on the attention input projection only."),
    shape<&Transformer::qk_norm>("model.qk_norm", "false", "A norm on queries and keys."),
    shape<&Transformer::causal>("model.causal", "true",
                                "Tokens attend to earlier tokens only; half of the score matrix."),
    shape<&Transformer::norm>("model.norm", "rmsnorm", "Normalisation."),
    shape<&Transformer::position>("model.position", "rope", "Position information."),
    shape<&Transformer::max_positions>(
        "model.max_positions", "training.seq_len when position is learned, else no limit",
        "Longest sequence; rows of a learned position table.", kOptionalSize),
    shape<&Transformer::window>("model.window", "0 (full attention)",
                                "Sliding-window attention: tokens a token attends to.",
                                kOptionalSize),
    moe<&Moe::experts>("model.moe.experts", "required with moe", "Routed experts a layer.",
                       {1, 1 << 16}),
    moe<&Moe::top_k>("model.moe.top_k", "required with moe", "Experts a token is sent to.",
                     {1, 1 << 10}),
    moe<&Moe::ffn>("model.moe.ffn", "model.ffn", "Inner width of one expert.", kOptionalSize),
    moe<&Moe::shared_ffn>("model.moe.shared_ffn", "0",
                          "Inner width of all shared experts together.", kOptionalSize),
    moe<&Moe::every>("model.moe.every", "1", "Every n-th layer has experts.", kLayers),
    moe<&Moe::first_dense_layers>("model.moe.first_dense_layers", "0",
                                  "Layers at the start without experts.", {0, 1e4}),
    moe<&Moe::capacity_factor>("model.moe.capacity_factor", "0 (dropless)",
                               "Room at an expert against the balanced share.", {0, 64}),
    moe<&Moe::node_limit>("model.moe.node_limit", "0 (any)",
                          "Most nodes the experts of a token lie on (DeepSeek-V3: 4).",
                          {0, 1 << 10}),
    moe<&Moe::router_bias>("model.moe.router_bias", "false",
                           "A correction bias per expert in the router (DeepSeek-V3)."),
    mla<&Mla::q_lora_rank>("model.mla.q_lora_rank", "0 (direct projection)",
                           "Rank of the query compression.", kOptionalSize),
    mla<&Mla::kv_lora_rank>("model.mla.kv_lora_rank", "required with mla",
                            "Rank of the key-value compression.", kSize),
    mla<&Mla::qk_nope_head_dim>("model.mla.qk_nope_head_dim", "required with mla",
                                "Width of a head's part without position.", kSize),
    mla<&Mla::qk_rope_head_dim>("model.mla.qk_rope_head_dim", "required with mla",
                                "Width of a head's rotary part.", kSize),
    mla<&Mla::v_head_dim>("model.mla.v_head_dim", "required with mla", "Width of a value head.",
                          kSize),
    shape<&Transformer::mtp_layers>("model.mtp_layers", "0",
                                    "Multi-token-prediction layers after the last layer.", {0, 64}),
    key<Draft, &Draft::model, &ModelDraft::blocks>(
        "model.blocks", "none",
        "A model that is no transformer: a list of {name, repeat, operators: [{type, ...}]}."),
};

using Op = models::ListedOperator;
constexpr Range kExtent{1, 1e12};
constexpr Range kRepeat{1, 1e4};

const std::vector<Key<BlockDraft>> kBlock = {
    key<BlockDraft, &BlockDraft::name>("name", "none", "Name of the block."),
    key<BlockDraft, &BlockDraft::repeat>("repeat", "1", "How often the block comes in a row.",
                                         kRepeat),
    key<BlockDraft, &BlockDraft::operators>("operators", "required", "Operators, in order."),
};

const std::vector<Key<Op>> kOperator = {
    key<Op, &Op::type>("type", "required", "What the operator is."),
    key<Op, &Op::name>("name", "its type", "Name of the operator."),
    key<Op, &Op::repeat>("repeat", "1", "How often it comes in a row.", kRepeat),
    key<Op, &Op::in>("in", "required (linear, embedding)", "Input features; embedding: rows.",
                     kSize),
    key<Op, &Op::out>("out", "required (linear, embedding)", "Output features.", kSize),
    key<Op, &Op::tokens>("tokens", "1", "Rows per sample (linear, attention, embedding).",
                         {1, 1 << 24}),
    key<Op, &Op::in_channels>("in_channels", "required (conv2d)", "Input channels.", kSize),
    key<Op, &Op::out_channels>("out_channels", "required (conv2d)", "Output channels.", kSize),
    key<Op, &Op::kernel>("kernel", "1", "Side of a convolution's window.", {1, 1024}),
    key<Op, &Op::stride>("stride", "1", "Step of a convolution's window.", {1, 1024}),
    key<Op, &Op::height>("height", "required (conv2d)", "Output rows.", {1, 1 << 16}),
    key<Op, &Op::width>("width", "required (conv2d)", "Output columns.", {1, 1 << 16}),
    key<Op, &Op::groups>("groups", "1", "Groups of a convolution.", kSize),
    key<Op, &Op::heads>("heads", "required (attention)", "Attention heads.", kHeads),
    key<Op, &Op::head_dim>("head_dim", "required (attention)", "Width of one head.", kSize),
    key<Op, &Op::causal>("causal", "false", "Attention to earlier tokens only."),
    key<Op, &Op::bias>("bias", "true", "A bias (linear, conv2d)."),
    key<Op, &Op::elements>("elements", "required (norm, elementwise)", "Elements per sample.",
                           kExtent),
    key<Op, &Op::features>("features", "0", "Learned scales of a norm.", kOptionalSize),
};

}  // namespace

std::span<const Key<Draft>> model_keys() { return kModel; }
std::span<const Key<BlockDraft>> block_keys() { return kBlock; }
std::span<const Key<models::ListedOperator>> operator_keys() { return kOperator; }

}  // namespace scenarios
