// ZeRO-3 / FSDP (arXiv 1910.02054, 2304.11277): every unit's parameters are gathered before it
// runs, up to prefetch_layers ahead, and dropped after it; its gradients are reduce-scattered. Per
// rank and micro-batch that moves 3 (N-1)/N of the parameters' bytes, 1.5 times data parallelism.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "models/cost.hpp"
#include "strategies/states.hpp"
#include "strategies/strategy.hpp"

namespace strategies {
namespace {

class FullySharded final : public Strategy {
 public:
  using Strategy::Strategy;

  void before_unit(Emitter& emitter, const Pass& pass, std::size_t unit) override {
    if (pass.recompute) return;
    const std::size_t count = pass.chunk->units.size();
    const auto ahead = static_cast<std::size_t>(
        plan().overlap.param_gather ? implementation().prefetch_layers : 0);
    for (std::size_t i = 0; i <= ahead; ++i) {
      if (pass.forward() ? unit + i >= count : unit < i) break;
      gather(emitter, pass, pass.forward() ? unit + i : unit - i);
    }
    auto& handle = gathered_.at({pass.chunk_index, unit});
    if (!handle) return;
    emitter.wait(*handle);
    handle.reset();
    copy(emitter, pass, unit, implementation().gather_copy_bytes);
  }

  void after_unit(Emitter& emitter, const Pass& pass, std::size_t unit) override {
    if (pass.recompute) return;
    if (pass.forward()) {
      if (plan().reshard_after_forward && !turns_around(pass, unit)) drop(emitter, pass, unit);
      return;
    }
    drop(emitter, pass, unit);
    if (pass.weight_gradient()) reduce(emitter, pass, unit);
  }

  void before_optimizer(Emitter& emitter) override {
    if (last_reduction_) emitter.wait(*last_reduction_);
    emitter.free(sim::MemoryCategory::gradients, held_);
    held_ = leaving_ = sim::Bytes{0};
  }

  void step_end(Emitter& emitter) override {
    emitter.free(sim::MemoryCategory::gradients, shards_);
    shards_ = sim::Bytes{0};
    sharded_.clear();
  }

 private:
  using Key = std::pair<std::int64_t, std::size_t>;  // chunk, unit

  const UnitCost& cost(const Pass& pass, std::size_t unit) const {
    return *pass.chunk->units[unit].cost;
  }

  double wire_bytes(const UnitCost& unit) const {
    if (unit.is_layer && gathers_in_fp8(training(), implementation())) return 1.0;
    return parameter_bytes(training());
  }

  sim::Bytes whole(const UnitCost& unit) const {
    return wire_size(unit.dense_parameters + unit.expert_parameters, wire_bytes(unit));
  }

  // The last layer and the head are wanted again at once.
  bool turns_around(const Pass& pass, std::size_t unit) const {
    if (!implementation().keeps_last_gathered) return false;
    const auto& units = pass.chunk->units;
    return !units[unit].cost->is_layer ? unit > 0 : unit + 2 >= units.size();
  }

  void gather(Emitter& emitter, const Pass& pass, std::size_t unit) {
    const Key key{pass.chunk_index, unit};
    if (gathered_.contains(key)) return;
    const UnitCost& what = cost(pass, unit);
    emitter.allocate(sim::MemoryCategory::buffers, whole(what));
    std::optional<OpIndex> last;
    const auto add = [&](GroupKind group, std::int64_t parameters, std::int64_t ranks) {
      const bool eight_bits = training().quantized_weights && group != GroupKind::secondary;
      const double element = eight_bits ? 1.0 : wire_bytes(what);
      const sim::Bytes bytes = wire_size(parameters, element);
      if (ranks == 1 || bytes == sim::Bytes{0}) return;
      const std::int64_t parts = collectives_of(what);
      for (std::int64_t i = 0; i < parts; ++i) {
        last = emitter.collective({group, collectives::Kind::all_gather, part(bytes, i, parts),
                                   Stream::gather, Activity::dp, plan().overlap.param_gather,
                                   "fsdp all-gather", sim::Bytes{},
                                   implementation().gather_synchronises});
      }
    };
    const std::int64_t node = plan().gather_group;
    if (plan().secondary_shard > 0 && !pass.forward()) {
      add(GroupKind::secondary, what.dense_parameters, plan().secondary_shard);
    } else if (node > 0) {
      // The part of every node's shards that lie at this rank's place, then all of them.
      add(GroupKind::shard_across, (what.dense_parameters + node - 1) / node,
          plan().shard_group / node);
      add(GroupKind::shard_inside, what.dense_parameters, node);
    } else {
      add(GroupKind::shard, what.dense_parameters, plan().shard_group);
    }
    add(GroupKind::expert_data, what.expert_parameters, context().expert_shard_group());
    gathered_[key] = last;
  }

  // Tensors that travel one by one are taken for equal parts: it is their number that costs.
  std::int64_t collectives_of(const UnitCost& unit) const {
    return unit.is_layer ? std::max<std::int64_t>(1, implementation().gathers_per_layer) : 1;
  }

  static sim::Bytes part(sim::Bytes whole, std::int64_t index, std::int64_t parts) {
    return sim::Bytes{whole.count() * (index + 1) / parts - whole.count() * index / parts};
  }

  // Parameters leave the buffer they were gathered in, gradients enter the one they are reduced in.
  void copy(Emitter& emitter, const Pass& pass, std::size_t unit, double element_bytes) const {
    const UnitCost& what = cost(pass, unit);
    const sim::Bytes bytes =
        wire_size(what.dense_parameters + what.expert_parameters, element_bytes);
    if (bytes == sim::Bytes{0}) return;
    const Activity activity = pass.forward() ? Activity::forward : Activity::backward;
    emitter.compute(
        {activity, models::streaming_time(bytes, *context().device), 1, 0.0, "fsdp copy"});
  }

  void drop(Emitter& emitter, const Pass& pass, std::size_t unit) {
    if (gathered_.erase({pass.chunk_index, unit}) == 0) return;
    emitter.free(sim::MemoryCategory::buffers, whole(cost(pass, unit)));
  }

  void reduce(Emitter& emitter, const Pass& pass, std::size_t unit) {
    const UnitCost& what = cost(pass, unit);
    const sim::Bytes gradients =
        unsharded_gradients(context(), {what.dense_parameters, what.expert_parameters});
    const bool each = plan().grad_reduce != GradReduce::step;
    sums_groups_ = pass.last_micro_batch || plan().grad_reduce != GradReduce::two_hop;
    if (pass.first_micro_batch || each) {
      emitter.allocate(sim::MemoryCategory::gradients, gradients);
      held_ += gradients;
    }
    if (!pass.last_micro_batch && !each) return;
    emitter.free(sim::MemoryCategory::gradients, leaving_);  // the unit before is reduced by now
    held_ -= leaving_;
    leaving_ = gradients;
    hold_shards(emitter, {pass.chunk_index, unit}, {what.dense_parameters, what.expert_parameters});
    copy(emitter, pass, unit, implementation().reduce_copy_bytes);
    const double element = gradient_wire_bytes(training(), implementation());
    const std::int64_t parts = collectives_of(what);
    for (std::int64_t i = 0; i < parts; ++i) {
      scatter(emitter, GroupKind::shard, part(wire_size(what.dense_parameters, element), i, parts),
              plan().shard_group, context().data_parallel());
      scatter(emitter, GroupKind::expert_data,
              part(wire_size(what.expert_parameters, element), i, parts),
              context().expert_shard_group(), context().expert_shard_group());
    }
    if (!plan().overlap.grad_reduce && last_reduction_) emitter.wait(*last_reduction_);
  }

  // A unit's shard of gradients is there from its first reduction of the step on.
  void hold_shards(Emitter& emitter, const Key& key, const ParameterSet& set) {
    if (!sharded_.insert(key).second) return;
    const sim::Bytes shard =
        gradient_memory(context(), set) - standing_gradient_memory(context(), set);
    shards_ += shard;
    emitter.allocate(sim::MemoryCategory::gradients, shard);
  }

  void scatter(Emitter& emitter, GroupKind group, sim::Bytes bytes, std::int64_t ranks,
               std::int64_t all_ranks) {
    if (bytes == sim::Bytes{0}) return;
    const bool overlapped = plan().overlap.grad_reduce;
    if (ranks > 1) {
      last_reduction_ =
          emitter.collective({group, collectives::Kind::reduce_scatter, bytes, Stream::reduce,
                              Activity::dp, overlapped, "fsdp reduce-scatter"});
    }
    if (ranks < all_ranks && sums_groups_) {
      last_reduction_ = emitter.collective({GroupKind::replicate, collectives::Kind::all_reduce,
                                            sim::Bytes{bytes.count() / ranks}, Stream::reduce,
                                            Activity::dp, overlapped, "fsdp all-reduce of shards"});
    }
  }

  std::map<Key, std::optional<OpIndex>> gathered_;
  std::optional<OpIndex> last_reduction_;
  bool sums_groups_ = true;  // the reduction under way goes on between shard groups
  sim::Bytes held_;
  sim::Bytes leaving_;
  std::set<Key> sharded_;  // units whose shards are there
  sim::Bytes shards_;      // of gradients, that were not there before the first reduction
};

}  // namespace

std::unique_ptr<Strategy> make_fully_sharded(const StepContext& context) {
  return std::make_unique<FullySharded>(context);
}

}  // namespace strategies
