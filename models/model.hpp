// What is trained: a decoder transformer, or a plain list of operators.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace models {

enum class Norm : std::uint8_t { layernorm, rmsnorm };
enum class Position : std::uint8_t { rope, learned, alibi, none };

struct Moe {
  std::int64_t experts = 0;
  std::int64_t top_k = 0;
  std::int64_t ffn = 0;         // inner size of one expert
  std::int64_t shared_ffn = 0;  // inner size of all shared experts together; 0 = none
  std::int64_t every = 1;       // every n-th layer has experts (after first_dense_layers)
  std::int64_t first_dense_layers = 0;
  double capacity_factor = 0.0;  // 0 = dropless
  std::int64_t node_limit = 0;   // a token's experts lie on at most so many nodes; 0 = on any
  bool router_bias = false;      // DeepSeek-V3's correction bias, one per expert
};

struct Mla {                     // multi-head latent attention (DeepSeek-V2/V3)
  std::int64_t q_lora_rank = 0;  // 0 = queries are projected directly
  std::int64_t kv_lora_rank = 0;
  std::int64_t qk_nope_head_dim = 0;
  std::int64_t qk_rope_head_dim = 0;
  std::int64_t v_head_dim = 0;
};

struct Transformer {
  std::int64_t layers = 0;
  std::int64_t hidden = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t ffn = 0;
  std::int64_t vocab = 0;
  bool gated_mlp = true;
  bool tied_embeddings = false;
  bool bias = false;      // on every linear layer
  bool qkv_bias = false;  // on the attention input projection only (Qwen2)
  bool qk_norm = false;   // a norm of head_dim on queries and keys (Qwen3)
  bool causal = true;
  Norm norm = Norm::rmsnorm;
  Position position = Position::rope;
  std::int64_t max_positions = 0;  // rows of a learned position table
  std::int64_t window = 0;         // sliding-window attention; 0 = full
  std::optional<Moe> moe;
  std::optional<Mla> mla;
  std::int64_t mtp_layers = 0;  // multi-token-prediction layers after the last one
};

// One entry of a plain operator list. Sizes are per sample; the batch is the micro-batch.
struct ListedOperator {
  enum class Type : std::uint8_t { linear, conv2d, attention, norm, elementwise, embedding };
  Type type = Type::linear;
  std::string name;
  std::int64_t repeat = 1;
  std::int64_t in = 0, out = 0, tokens = 1;        // linear; embedding: in = rows
  std::int64_t in_channels = 0, out_channels = 0;  // conv2d
  std::int64_t kernel = 1, stride = 1, height = 0, width = 0, groups = 1;
  std::int64_t heads = 0, head_dim = 0;  // attention over `tokens`
  bool causal = false;
  bool bias = true;
  std::int64_t elements = 0;  // norm (also features), elementwise
  std::int64_t features = 0;  // norm: learned scale (and shift)
};

struct OperatorList {
  // A block is the unit that pipeline stages and recomputation handle, as a layer of a transformer.
  struct Block {
    std::string name;
    std::vector<ListedOperator> operators;
  };
  std::vector<Block> blocks;
};

struct Model {
  std::string name;
  std::variant<Transformer, OperatorList> architecture;

  const Transformer* transformer() const { return std::get_if<Transformer>(&architecture); }
  const OperatorList* operator_list() const { return std::get_if<OperatorList>(&architecture); }
};

}  // namespace models
