// Models that torchtitan ships: torchtitan/models/{llama3,deepseek_v3}/__init__.py.
#include <algorithm>
#include <array>

#include "formats/torchtitan.hpp"
#include "scenarios/reader.hpp"

namespace formats {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

constexpr std::array kLlamaDebug{Pair{"layers", "6"}, Pair{"hidden", "256"}, Pair{"heads", "16"},
                                 Pair{"ffn", "768"}, Pair{"vocab", "2048"}};
constexpr std::array kDeepseekDebug{Pair{"layers", "6"},
                                    Pair{"hidden", "256"},
                                    Pair{"heads", "16"},
                                    Pair{"ffn", "1024"},
                                    Pair{"vocab", "2048"},
                                    Pair{"moe.experts", "8"},
                                    Pair{"moe.top_k", "3"},
                                    Pair{"moe.ffn", "256"},
                                    Pair{"moe.shared_ffn", "512"},
                                    Pair{"moe.first_dense_layers", "1"},
                                    Pair{"mla.kv_lora_rank", "512"},
                                    Pair{"mla.qk_nope_head_dim", "128"},
                                    Pair{"mla.qk_rope_head_dim", "64"},
                                    Pair{"mla.v_head_dim", "128"}};

constexpr std::array kFlavors{
    TorchtitanFlavor{"llama3", "debugmodel", "", kLlamaDebug},
    TorchtitanFlavor{"llama3", "8B", "llama3-8b", {}},
    TorchtitanFlavor{"llama3", "70B", "llama3-70b", {}},
    TorchtitanFlavor{"llama3", "405B", "llama3.1-405b", {}},
    TorchtitanFlavor{"deepseek_v3", "debugmodel", "", kDeepseekDebug},
    TorchtitanFlavor{"deepseek_v3", "16B", "deepseek-v2-lite", {}},
    TorchtitanFlavor{"deepseek_v3", "236B", "deepseek-v2", {}},
    TorchtitanFlavor{"deepseek_v3", "671B", "deepseek-v3", {}},
};

// PyTorch's names, torch/distributed/pipelining/schedules.py.
constexpr std::array kSchedules{
    TorchtitanSchedule{"1F1B", "1f1b", false},
    TorchtitanSchedule{"GPipe", "gpipe", false},
    TorchtitanSchedule{"Interleaved1F1B", "interleaved", true},
    TorchtitanSchedule{"ZBVZeroBubble", "zb-v", true},
    TorchtitanSchedule{"DualPipeV", "dualpipev", true},
};

bool same_shape(const models::Transformer& a, const models::Transformer& b) {
  const auto sizes = [](const models::Transformer& m) {
    return std::array{m.layers, m.hidden, m.heads, m.kv_heads, m.ffn, m.vocab, m.mtp_layers};
  };
  const bool kinds = a.gated_mlp == b.gated_mlp && a.tied_embeddings == b.tied_embeddings &&
                     a.bias == b.bias && a.qkv_bias == b.qkv_bias && a.qk_norm == b.qk_norm &&
                     a.norm == b.norm && a.position == b.position && a.window == b.window;
  if (!kinds || sizes(a) != sizes(b) || a.moe.has_value() != b.moe.has_value() ||
      a.mla.has_value() != b.mla.has_value()) {
    return false;
  }
  return !a.moe || (a.moe->experts == b.moe->experts && a.moe->top_k == b.moe->top_k &&
                    a.moe->ffn == b.moe->ffn && a.moe->shared_ffn == b.moe->shared_ffn);
}

}  // namespace

std::span<const TorchtitanFlavor> torchtitan_flavors() { return kFlavors; }
std::span<const TorchtitanSchedule> torchtitan_schedules() { return kSchedules; }

const TorchtitanFlavor* torchtitan_flavor_of(const scenarios::Scenario& scenario) {
  const models::Transformer* model = scenario.model.transformer();
  if (model == nullptr) return nullptr;
  const auto same = [&](const TorchtitanFlavor& flavor) {
    if (flavor.base.empty()) return false;
    const models::Model named = scenarios::read_model(std::string(flavor.base));
    return same_shape(*model, *named.transformer());
  };
  const auto found = std::find_if(kFlavors.begin(), kFlavors.end(), same);
  return found == kFlavors.end() ? nullptr : &*found;
}

}  // namespace formats
