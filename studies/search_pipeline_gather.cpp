// Parameters of ZeRO that the passes of the pipeline bound wait for.
#include <algorithm>

#include "strategies/states.hpp"
#include "studies/search_gather.hpp"
#include "studies/search_pipeline.hpp"

namespace studies {

using strategies::GroupKind;
using strategies::PassKind;

// ZeRO-3. Never less than without gathering.
void PipelineBound::gather_units() {
  if (!plan_.overlap.grad_reduce) reductions_.assign(pieces_.size(), 0.0);
  const OuterPlan plan = outer();
  GatheredPasses::OfPlan passes(bounds_.gathered_passes_, plan);
  for (std::size_t stage = 0; stage < layouts_->size(); ++stage) {
    const StageLayout& layout = (*layouts_)[stage];
    for (std::size_t c = 0; c < layout.chunks.size(); ++c) {
      const auto p = static_cast<std::size_t>(layout.chunks[c].piece);
      for (std::size_t k = 0; k < kPassKinds; ++k) {
        const auto& facts = prepared_.facts->stages[stage].chunks[c];
        if (facts.passes[k] + facts.paired[k] == 0.0) continue;
        const double time =
            passes.time(layout.chunks[c], layout.chunk_numbers[c], static_cast<PassKind>(k));
        gathering_[p].time[k] = std::max(gathering_[p].time[k], time);
      }
      if (!plan_.overlap.grad_reduce) {
        reductions_[p] = passes.blocking_reduction(layout.chunks[c], layout.chunk_numbers[c]);
      }
    }
  }
}

// When the parameters of each chunk are there: gathered one after the other from the start.
std::vector<double> PipelineBound::gathered(std::size_t stage) {
  const auto& chunks = prepared_.facts->stages[stage].chunks;
  std::vector<double> out(chunks.size(), 0.0);
  if (plan_.zero == 0 || plan_.zero == 3 || !plan_.overlap.param_gather) return out;
  if (scenario_.implementation.broadcasts_per_layer > 0) return out;
  const GroupShapes& shapes = bounds_.prices_.outer_shapes(plan_);
  double time = 0.0;
  for (std::size_t c = 0; c < chunks.size(); ++c) {
    const auto parameters = prepared_.pieces[static_cast<std::size_t>(chunks[c].piece)].dense;
    const double bytes = parameters * strategies::gathered_parameter_bytes(
                                          scenario_.training, scenario_.implementation);
    if (bytes > 0.0) {
      time += bounds_.prices_.time(collectives::Kind::all_gather,
                                   shapes[static_cast<std::size_t>(GroupKind::shard)],
                                   sim::Bytes::ceil(bytes), true);
    }
    out[c] = time;
  }
  return out;
}

}  // namespace studies
