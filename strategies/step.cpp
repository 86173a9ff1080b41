#include "strategies/step.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include "strategies/emitter.hpp"
#include "strategies/plugin.hpp"
#include "strategies/region_names.hpp"
#include "strategies/saved.hpp"
#include "strategies/states.hpp"
#include "strategies/step_states.hpp"
#include "strategies/strategy.hpp"

namespace strategies {
namespace {

using models::Region;
using sim::MemoryCategory;

class StepEmitter {
 public:
  explicit StepEmitter(const StepContext& context)
      : context_(context), emitter_(program_, host_costs(context)) {
    hold_states(emitter_, context);
  }

  void reserve(std::size_t operations) { program_.reserve(operations); }
  Program take() { return std::move(program_); }

  void run(std::int64_t step) {
    step_ = step;
    strategies_.clear();
    add_strategies(strategy_table());
    for (const auto& plugin : context_.plugins) add_strategies(plugin->strategies());
    begin([&](Strategy& s) { s.step_begin(emitter_); });
    const auto& slots = context_.schedule->stages[static_cast<std::size_t>(context_.stage)];
    find_ends(slots);
    for (std::size_t i = 0; i < slots.size(); ++i) {
      if (slots[i].with_next) {
        run_pair(slots, i++);
      } else {
        run_pass(slots[i], i);
      }
    }
    emitter_.at({});
    begin([&](Strategy& s) { s.before_optimizer(emitter_); });
    update_states(emitter_, context_);
    end([&](Strategy& s) { s.step_end(emitter_); });
    emitter_.compute({Activity::other, context_.implementation->step_host_time, 0, 0.0, "host"});
    emitter_.flush();
  }

 private:
  void add_strategies(std::span<const StrategyEntry> table) {
    for (const StrategyEntry& entry : table) {
      if (entry.applies(*context_.plan)) strategies_.push_back(entry.make(context_));
    }
  }

  template <class Call>
  void begin(Call call) {
    for (auto& strategy : strategies_) call(*strategy);
  }
  template <class Call>
  void end(Call call) {
    for (auto it = strategies_.rbegin(); it != strategies_.rend(); ++it) call(**it);
  }

  // For each chunk: the slots of its first and last forward and backward.
  void find_ends(const std::vector<PassSlot>& slots) {
    ends_.assign(context_.chunks.size(), {});
    for (std::size_t i = 0; i < slots.size(); ++i) {
      auto& ends = ends_[static_cast<std::size_t>(slots[i].chunk)];
      if (slots[i].kind == PassKind::forward) {
        ends.first_forward = std::min(ends.first_forward, i);
        ends.last_forward = i;
      } else if (slots[i].kind != PassKind::backward_input) {
        ends.first_backward = std::min(ends.first_backward, i);
        ends.last_backward = i;
      }
    }
  }

  // A forward and a backward side by side. The backward begins: its first exchange of tokens needs
  // no work before it, and so hides behind the forward's attention.
  void run_pair(const std::vector<PassSlot>& slots, std::size_t forward) {
    emitter_.begin_lane();
    run_pass(slots[forward + 1], forward + 1);
    emitter_.begin_lane();
    run_pass(slots[forward], forward);
    emitter_.end_lanes();
  }

  void run_pass(const PassSlot& slot, std::size_t index) {
    const auto& ends = ends_[static_cast<std::size_t>(slot.chunk)];
    const bool forward = slot.kind == PassKind::forward;
    Pass pass;
    pass.step = step_;
    pass.kind = slot.kind;
    pass.chunk_index = slot.chunk;
    pass.chunk = &context_.chunks[static_cast<std::size_t>(slot.chunk)];
    pass.micro_batch = slot.micro_batch;
    pass.first_micro_batch = index == (forward ? ends.first_forward : ends.first_backward);
    pass.last_micro_batch = index == (forward ? ends.last_forward : ends.last_backward);
    place(pass, -1);
    begin([&](Strategy& s) { s.before_pass(emitter_, pass); });
    if (forward) {
      run_forward(pass);
    } else {
      run_backward(pass);
    }
    place(pass, -1);
    end([&](Strategy& s) { s.after_pass(emitter_, pass); });
  }

  void place(const Pass& pass, std::int32_t layer) {
    const auto chunk = static_cast<std::int16_t>(pass.chunk_index);
    emitter_.at({chunk, static_cast<std::int32_t>(pass.micro_batch), layer});
  }

  void run_forward(const Pass& pass) {
    for (std::size_t u = 0; u < pass.chunk->units.size(); ++u) {
      const UnitCost& cost = *pass.chunk->units[u].cost;
      forward_unit(pass, u, kept_after_forward(pass, u),
                   recomputed(pass, u) ? cost.workspace : cost.overhang);
    }
  }

  void forward_unit(const Pass& pass, std::size_t u, sim::Bytes kept, sim::Bytes temporary) {
    const Unit& unit = pass.chunk->units[u];
    place(pass, unit.layer);
    begin([&](Strategy& s) { s.before_unit(emitter_, pass, u); });
    if (casts_weights(pass)) compute(Activity::forward, unit.cost->weight_cast, 0);
    emitter_.allocate(MemoryCategory::activations, kept);
    emitter_.allocate(MemoryCategory::buffers, temporary);
    for (std::size_t r = 0; r < kRegions; ++r) {
      const RegionCost& cost = unit.cost->regions[r];
      if (!cost.present) continue;
      const auto region = static_cast<Region>(r);
      begin([&](Strategy& s) { s.before_region(emitter_, pass, unit, region); });
      compute(pass.recompute ? Activity::recompute : Activity::forward, cost.forward, r);
      end([&](Strategy& s) { s.after_region(emitter_, pass, unit, region); });
    }
    emitter_.free(MemoryCategory::buffers, temporary);
    end([&](Strategy& s) { s.after_unit(emitter_, pass, u); });
  }

  // What is cast stays for the step, unless it is gathered anew for every micro-batch.
  bool casts_weights(const Pass& pass) const {
    return !pass.recompute && (pass.first_micro_batch || context_.plan->zero == 3);
  }

  void run_backward(const Pass& pass) {
    rebuilt_from_ = pass.chunk->units.size();
    for (std::size_t u = pass.chunk->units.size(); u-- > 0;) {
      const Unit& unit = pass.chunk->units[u];
      place(pass, unit.layer);
      begin([&](Strategy& s) { s.before_unit(emitter_, pass, u); });
      const bool whole = recomputed(pass, u);
      if (whole && pass.kind != PassKind::backward_weight) rebuild(pass, u);
      sim::Bytes temporary = whole ? unit.cost->overhang_all : unit.cost->overhang;
      if (pass.kind == PassKind::backward_weight) temporary = sim::Bytes{0};
      emitter_.allocate(MemoryCategory::buffers, temporary);
      for (std::size_t r = kRegions; r-- > 0;) backward_region(pass, unit, r, whole);
      emitter_.free(MemoryCategory::buffers, temporary);
      release(pass, u);
      hold_gradients(pass, *unit.cost);
      end([&](Strategy& s) { s.after_unit(emitter_, pass, u); });
    }
    emitter_.free(MemoryCategory::gradients, held_gradients_);
    held_gradients_ = sim::Bytes{0};
  }

  void hold_gradients(const Pass& pass, const UnitCost& cost) {
    if (!context_.implementation->micro_batch_gradients || !pass.weight_gradient()) return;
    const sim::Bytes bytes = wire_size(cost.dense_parameters + cost.expert_parameters,
                                       parameter_bytes(*context_.training));
    emitter_.allocate(MemoryCategory::gradients, bytes);
    held_gradients_ += bytes;
  }

  void backward_region(const Pass& pass, const Unit& unit, std::size_t r, bool rebuilt) {
    const RegionCost& cost = unit.cost->regions[r];
    if (!cost.present) return;
    const auto region = static_cast<Region>(r);
    if (region == Region::dispatch) run_delayed();
    begin([&](Strategy& s) { s.before_region(emitter_, pass, unit, region); });
    if (pass.data_gradient()) {
      if (!rebuilt) compute(Activity::recompute, cost.recompute, r);
      compute(Activity::backward, cost.backward_data, r);
    }
    end([&](Strategy& s) { s.after_data_gradient(emitter_, pass, unit, region); });
    if (pass.weight_gradient() && is_delayed(pass, unit, region)) {
      delayed_.push_back(r);
      delayed_of_ = &unit;
    } else if (pass.weight_gradient()) {
      compute(Activity::weight_gradient, cost.backward_weight, r);
    }
    end([&](Strategy& s) { s.after_region(emitter_, pass, unit, region); });
  }

  // Megatron-Core's delay_wgrad_compute: what stands between a layer's two exchanges of tokens, and
  // its shared expert, make their weight gradients when the second exchange has begun.
  bool is_delayed(const Pass& pass, const Unit& unit, Region region) const {
    const bool between =
        region == Region::mlp_in || region == Region::mlp_out || region == Region::shared_expert;
    return context_.plan->overlap.delay_wgrad && pass.data_gradient() && between &&
           unit.cost->at(Region::dispatch).present;
  }

  void run_delayed() {
    for (const std::size_t r : delayed_) {
      compute(Activity::weight_gradient, delayed_of_->cost->regions[r].backward_weight, r);
    }
    delayed_.clear();
  }

  void compute(Activity activity, const PassCost& cost, std::size_t region) {
    const int kernels = cost.kernels > 0 && is_replayed(region) ? 1 : cost.kernels;
    emitter_.compute({activity, cost.time, kernels, cost.flops, kRegionNames[region]});
  }

  // A graph of a part of the layer is launched as a whole; what is left is issued kernel by kernel.
  bool is_replayed(std::size_t region) const {
    const Training& training = *context_.training;
    if (!training.cuda_graph) return false;
    const auto at = static_cast<Region>(region);
    if (at >= Region::attention_norm && at <= Region::attention_residual) {
      return training.cuda_graph_attention;
    }
    return training.cuda_graph_experts || at < Region::dispatch || at > Region::shared_expert;
  }

  bool recomputed(const Pass& pass, std::size_t u) const {
    return rebuilt_in_backward(context_, *pass.chunk, u);
  }

  sim::Bytes kept_after_forward(const Pass& pass, std::size_t u) const {
    return stays_on_device(context_, kept_for_backward(context_, *pass.chunk, u));
  }

  // Runs forward again from the checkpoint at or before unit u, through u.
  void rebuild(const Pass& pass, std::size_t u) {
    if (u >= rebuilt_from_) return;
    std::size_t from = u;
    while (!keeps_checkpoint(context_, *pass.chunk, from)) --from;
    Pass again = pass;
    again.recompute = true;
    for (std::size_t i = from; i <= u; ++i) {
      const UnitCost& cost = *pass.chunk->units[i].cost;
      forward_unit(again, i, cost.saved_all, cost.overhang_all);
    }
    rebuilt_from_ = from;
    place(pass, pass.chunk->units[u].layer);
  }

  // The half of a backward that makes the input's gradient leaves what the weights' needs.
  void release(const Pass& pass, std::size_t u) {
    const UnitCost& cost = *pass.chunk->units[u].cost;
    if (pass.kind == PassKind::backward_weight) {
      emitter_.free(MemoryCategory::activations, cost.kept_for_weight);
      return;
    }
    if (recomputed(pass, u)) emitter_.free(MemoryCategory::activations, cost.saved_all);
    emitter_.free(MemoryCategory::activations, kept_after_forward(pass, u));
    if (!pass.weight_gradient()) {
      emitter_.allocate(MemoryCategory::activations, cost.kept_for_weight);
    }
  }

  struct Ends {
    std::size_t first_forward = SIZE_MAX, last_forward = 0;
    std::size_t first_backward = SIZE_MAX, last_backward = 0;
  };

  const StepContext& context_;
  Program program_;
  Emitter emitter_;
  std::vector<std::unique_ptr<Strategy>> strategies_;
  std::vector<Ends> ends_;
  std::size_t rebuilt_from_ = 0;
  std::vector<std::size_t> delayed_;  // regions of a unit whose weight gradients are to come
  const Unit* delayed_of_ = nullptr;
  sim::Bytes held_gradients_;  // of the micro-batch whose backward runs
  std::int64_t step_ = 0;
};

}  // namespace

Program emit_step(const StepContext& context, std::int64_t steps, std::size_t room) {
  StepEmitter emitter(context);
  emitter.reserve(room);
  for (std::int64_t step = 0; step < steps; ++step) emitter.run(step);
  return emitter.take();
}

}  // namespace strategies
