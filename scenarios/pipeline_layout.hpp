// The pipeline as one line of text, as Megatron-Core's --pipeline-model-parallel-layout has it:
// `E` embedding, `t` a layer, `m` a multi-token-prediction layer, `L` head and loss, `|` between
// chunks; `t*3` and `(t|)*30` repeat. Blanks and commas mean nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace scenarios {

struct PipelineLayout {
  std::vector<std::int64_t> layers;  // of each chunk, in model order
  std::int64_t mtp_layers = 0;
  std::int64_t mtp_piece = -1;  // the chunk they are in
  std::string problem;          // what is wrong, with the place in the text; else empty
};

PipelineLayout parse_pipeline_layout(std::string_view text);

}  // namespace scenarios
