// What a CUDA graph of a part of a layer with experts costs around it. Transformer Engine's graphs
// (`Graphed` in pytorch/graph.py, which Megatron-Core's `transformer_engine` implementation calls)
// have their inputs and the gradients of their outputs at fixed places: what comes is copied there,
// then the graph is replayed. Forward that is the hidden state; backward the gradients of what the
// graph hands to the experts and of the residual (`get_early_return_outputs` in Megatron-Core).
#include "models/cost.hpp"
#include "strategies/strategy.hpp"

namespace strategies {
namespace {

using models::Region;

class GraphCopies final : public Strategy {
 public:
  using Strategy::Strategy;

  void before_region(Emitter& emitter, const Pass& pass, const Unit& unit, Region region) override {
    if (pass.recompute || !is_part(unit)) return;
    if (pass.forward() && region == first()) copy(emitter, Activity::forward, 1);
    if (!pass.forward() && pass.data_gradient() && region == Region::router) {
      copy(emitter, Activity::backward, 2);
    }
  }

 private:
  bool is_part(const Unit& unit) const {
    return training().cuda_graph && !training().cuda_graph_experts &&
           unit.cost->at(Region::router).present;
  }

  Region first() const {
    return training().cuda_graph_attention ? Region::attention_norm : Region::mlp_norm;
  }

  void copy(Emitter& emitter, Activity activity, int tensors) const {
    const std::int64_t split = plan().sequence_parallel ? plan().tp : 1;
    const sim::Bytes moved{2 * context().costs->hidden_state().count() / split};
    const sim::Time each = models::streaming_time(moved, *context().device);
    emitter.compute({activity, each * tensors, tensors, 0.0, "graph input"});
  }
};

}  // namespace

std::unique_ptr<Strategy> make_graph_copies(const StepContext& context) {
  return std::make_unique<GraphCopies>(context);
}

}  // namespace strategies
