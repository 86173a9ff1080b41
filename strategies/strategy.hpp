// The plug-in interface of parallel strategies.
//
// A strategy sees the step as its pipeline stage executes it and adds what it needs at fixed
// points: communication before and after regions of a layer, units (layers), passes (a chunk's
// forward or backward for one micro-batch) and the step; and the memory its states take. It never
// computes: the executor (step.cpp) emits the layers' own work between the points.
//
// Order of points in a forward pass:
//   before_pass { before_unit { before_region, <compute>, after_region }* after_unit }* after_pass
// In a backward pass regions and units come in reverse order, and between the data gradient and
// the weight gradient of a region stands after_data_gradient.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "strategies/emitter.hpp"
#include "strategies/step_context.hpp"

namespace strategies {

struct Pass {
  std::int64_t step = 0;
  PassKind kind = PassKind::forward;
  const Chunk* chunk = nullptr;
  std::int64_t chunk_index = 0;
  std::int64_t micro_batch = 0;
  bool recompute = false;          // a forward repeated inside a backward pass
  bool first_micro_batch = false;  // of this chunk and direction, in the order the stage runs
  bool last_micro_batch = false;

  bool forward() const { return kind == PassKind::forward || recompute; }
  bool data_gradient() const { return kind != PassKind::backward_weight; }
  bool weight_gradient() const { return kind != PassKind::backward_input; }
};

class Strategy {
 public:
  explicit Strategy(const StepContext& context) : context_(context) {}
  virtual ~Strategy() = default;

  virtual void step_begin(Emitter&) {}
  virtual void before_pass(Emitter&, const Pass&) {}
  virtual void before_unit(Emitter&, const Pass&, std::size_t /*unit*/) {}
  virtual void before_region(Emitter&, const Pass&, const Unit&, models::Region) {}
  virtual void after_data_gradient(Emitter&, const Pass&, const Unit&, models::Region) {}
  virtual void after_region(Emitter&, const Pass&, const Unit&, models::Region) {}
  virtual void after_unit(Emitter&, const Pass&, std::size_t /*unit*/) {}
  virtual void after_pass(Emitter&, const Pass&) {}
  // All gradients are final after this; the optimizer follows.
  virtual void before_optimizer(Emitter&) {}
  virtual void step_end(Emitter&) {}

 protected:
  const StepContext& context() const { return context_; }
  const Plan& plan() const { return *context_.plan; }
  const Training& training() const { return *context_.training; }
  const Implementation& implementation() const { return *context_.implementation; }

 private:
  const StepContext& context_;
};

// An entry of the table of strategies (registry.cpp). Order in the table = order of the calls at
// each point before compute; after compute it is reversed, so that strategies nest.
struct StrategyEntry {
  std::string_view name;
  std::string_view dimension;  // of the rank mesh
  std::string_view summary;
  bool (*applies)(const Plan& plan);
  std::unique_ptr<Strategy> (*make)(const StepContext& context);
};

std::span<const StrategyEntry> strategy_table();

std::unique_ptr<Strategy> make_pipeline_parallel(const StepContext& context);
std::unique_ptr<Strategy> make_fully_sharded(const StepContext& context);
std::unique_ptr<Strategy> make_data_parallel(const StepContext& context);
std::unique_ptr<Strategy> make_tensor_parallel(const StepContext& context);
std::unique_ptr<Strategy> make_context_parallel(const StepContext& context);
std::unique_ptr<Strategy> make_expert_parallel(const StepContext& context);
std::unique_ptr<Strategy> make_delayed_scaling(const StepContext& context);
std::unique_ptr<Strategy> make_graph_copies(const StepContext& context);
std::unique_ptr<Strategy> make_quantised(const StepContext& context);
std::unique_ptr<Strategy> make_offload(const StepContext& context);
std::unique_ptr<Strategy> make_host_optimizer(const StepContext& context);
std::unique_ptr<Strategy> make_mirrored_stages(const StepContext& context);

}  // namespace strategies
