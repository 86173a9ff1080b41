// --moe-layer-freq of Megatron-LM: which layers have experts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace formats {

// A list such as ([0]*3+[1]*58), one entry a layer; nothing where it is no such list or has more
// than `most` entries.
std::optional<std::vector<std::int64_t>> layer_pattern(std::string_view text, std::size_t most);

// The first layers without experts and then every n-th with them, as models::Moe has it.
struct ExpertLayers {
  std::int64_t first_dense = 0;
  std::int64_t every = 1;
};
std::vector<std::int64_t> pattern_of(ExpertLayers layers, std::int64_t count);
std::optional<ExpertLayers> expert_layers(const std::vector<std::int64_t>& pattern);

// A list as --moe-layer-freq takes it, runs joined.
std::string pattern_text(const std::vector<std::int64_t>& pattern);

}  // namespace formats
