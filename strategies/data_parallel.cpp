// Data parallelism with replicated parameters: DDP, ZeRO-1 and ZeRO-2.
//
// Gradients are final after the last micro-batch of a chunk (or after each, grad_reduce:
// micro_batch). They are reduced in buckets while backward goes on: an all-reduce moves
// 2 (N-1)/N of their bytes per rank; with ZeRO-1 and 2 a reduce-scatter before the optimizer and an
// all-gather of the new parameters after it move the same. With hybrid sharding the shards are
// all-reduced between shard groups. Some code bases shard whole tensors instead: gradients are
// all-reduced everywhere, and the owner of a tensor broadcasts its new value.
#include <algorithm>
#include <optional>

#include "models/cost.hpp"
#include "strategies/states.hpp"
#include "strategies/strategy.hpp"

namespace strategies {
namespace {

class DataParallel final : public Strategy {
 public:
  using Strategy::Strategy;

  void step_begin(Emitter& emitter) override {
    if (plan().zero == 0 || !plan().overlap.param_gather) return;
    for (const Chunk& chunk : context().chunks) gathered_.push_back(gather(emitter, chunk));
  }

  void before_pass(Emitter& emitter, const Pass& pass) override {
    const bool first = pass.kind == PassKind::forward && pass.first_micro_batch;
    if (first && !gathered_.empty()) {
      const auto& handle = gathered_[static_cast<std::size_t>(pass.chunk_index)];
      if (handle) emitter.wait(*handle);
    }
  }

  void after_unit(Emitter& emitter, const Pass& pass, std::size_t unit) override {
    if (pass.forward() || !pass.weight_gradient()) return;
    hold_gradients(emitter, pass, unit);
    if (!reduces_in(pass)) return;
    sums_groups_ = pass.last_micro_batch || plan().grad_reduce != GradReduce::two_hop;
    dense_ += pass.chunk->units[unit].cost->dense_parameters;
    expert_ += pass.chunk->units[unit].cost->expert_parameters;
    if (unit == 0) dense_ += pass.chunk->tied_parameters;
    if (!overlaps()) return;
    const bool full = wire_size(dense_ + expert_, wire_bytes()) >= implementation().bucket;
    if (implementation().layer_buckets || full) reduce(emitter);
  }

  // Reduced after every micro-batch, nothing waits for the next one's gradients.
  void after_pass(Emitter& emitter, const Pass& pass) override {
    if (pass.forward() || !pass.weight_gradient()) return;
    if (plan().grad_reduce == GradReduce::step) return;
    reduce(emitter);
    if (!overlaps() && last_reduction_) emitter.wait(*last_reduction_);
  }

  void before_optimizer(Emitter& emitter) override {
    reduce(emitter);
    if (last_reduction_) emitter.wait(*last_reduction_);
    release_gradients(emitter);
  }

  void step_end(Emitter& emitter) override {
    if (plan().zero == 0 || plan().overlap.param_gather) return;
    join(emitter);
    std::optional<OpIndex> last;
    for (const Chunk& chunk : context().chunks) {
      if (auto handle = gather(emitter, chunk)) last = handle;
    }
    if (last) emitter.wait(*last);
    take_apart(emitter);
  }

 private:
  bool overlaps() const {
    return plan().overlap.grad_reduce &&
           !(plan().zero == 1 && implementation().zero_reduces_after_backward);
  }

  double wire_bytes() const { return gradient_wire_bytes(training(), implementation()); }

  bool reduces_in(const Pass& pass) const {
    return pass.last_micro_batch || plan().grad_reduce != GradReduce::step;
  }

  void reduce(Emitter& emitter) {
    copy(emitter);
    if (context().data_parallel() > 1) {
      reduce_set(emitter, GroupKind::shard, wire_size(dense_, wire_bytes()), plan().shard_group,
                 context().data_parallel());
    }
    if (context().expert_data_parallel() > 1) {
      reduce_set(emitter, GroupKind::expert_data, wire_size(expert_, wire_bytes()),
                 context().expert_data_parallel(), context().expert_data_parallel());
    }
    dense_ = expert_ = 0;
  }

  void reduce_set(Emitter& emitter, GroupKind group, sim::Bytes bytes, std::int64_t shard_ranks,
                  std::int64_t all_ranks) {
    if (bytes == sim::Bytes{0}) return;
    const bool whole = implementation().reduces_whole_gradients;
    const bool hybrid = shard_ranks < all_ranks;
    const bool sharded = plan().zero > 0 && (hybrid || !whole);
    const auto add = [&](GroupKind over, collectives::Kind kind, sim::Bytes size,
                         const char* name) {
      last_reduction_ =
          emitter.collective({over, kind, size, Stream::reduce, Activity::dp, overlaps(), name});
    };
    if (!sharded) {
      add(group, collectives::Kind::all_reduce, bytes, "dp all-reduce");
      return;
    }
    add(group, collectives::Kind::reduce_scatter, bytes, "dp reduce-scatter");
    if (hybrid && sums_groups_) {
      add(GroupKind::replicate, collectives::Kind::all_reduce,
          sim::Bytes{bytes.count() / shard_ranks}, "dp all-reduce of shards");
    }
    if (whole) add(group, collectives::Kind::all_gather, bytes, "dp all-gather of gradients");
  }

  // Buckets that are tensors of their own are filled, and emptied again.
  void copy(Emitter& emitter) {
    const double each = implementation().reduce_copy_bytes;
    const sim::Bytes bytes = wire_size(dense_ + expert_, each);
    if (bytes == sim::Bytes{0} || context().data_parallel() == 1) return;
    emitter.compute(
        {Activity::other, models::streaming_time(bytes, *context().device), 1, 0.0, "dp copy"});
  }

  // Lists of slices become flat buffers before they are gathered (2 + 2 bytes an element in 16
  // bits), and what comes is copied out of the library's buffer and into the tensors.
  void join(Emitter& emitter) { copy_lists(emitter, 1.0); }
  void take_apart(Emitter& emitter) { copy_lists(emitter, 2.0); }

  void copy_lists(Emitter& emitter, double passes) {
    const std::int64_t listed = implementation().listed_tensors;
    if (plan().zero != 1 || listed == 0) return;
    std::int64_t slices = 0;
    std::int64_t parameters = 0;
    const auto add = [&](std::int64_t tensors, std::int64_t held, std::int64_t ranks) {
      if (ranks == 1 || held == 0) return;
      slices += tensors * ranks;
      parameters += held;
    };
    for (const Chunk& chunk : context().chunks) {
      add(0, chunk.tied_parameters, plan().shard_group);
      for (const Unit& unit : chunk.units) {
        const UnitCost& cost = *unit.cost;
        const bool experts = cost.expert_parameters > 0;
        // Two tensors hold the matrices of all experts, and a router comes (nanotron's GroupedMLP).
        const std::int64_t dense = experts ? std::max<std::int64_t>(1, listed - 1) : listed;
        add(cost.is_layer ? dense : 1, cost.dense_parameters, plan().shard_group);
        add(2, cost.expert_parameters, context().expert_data_parallel());
      }
    }
    if (slices == 0) return;
    const double each = 2.0 * passes * gathered_parameter_bytes(training(), implementation());
    Compute work{Activity::other, models::streaming_time(wire_size(parameters, each), device()), 0,
                 0.0, "lists of slices"};
    work.device += device().kernel_gap * slices;
    // The host's time for a slice is half before the gather and half behind it.
    if (implementation().host_limits) work.host = implementation().list_slice * (slices / 2);
    emitter.compute(work);
  }

  const models::Device& device() const { return *context().device; }

  std::optional<OpIndex> gather(Emitter& emitter, const Chunk& chunk) {
    std::optional<OpIndex> last;
    const std::int64_t tensors =
        implementation().broadcasts_per_layer * static_cast<std::int64_t>(chunk.units.size());
    const auto add = [&](GroupKind group, std::int64_t parameters, std::int64_t ranks) {
      const sim::Bytes bytes =
          wire_size(parameters, gathered_parameter_bytes(training(), implementation()));
      if (ranks == 1 || bytes == sim::Bytes{0}) return;
      const bool gathers = tensors == 0;
      const auto kind = gathers ? collectives::Kind::all_gather : collectives::Kind::broadcast;
      const sim::Bytes each{bytes.count() / std::max<std::int64_t>(1, tensors)};
      for (std::int64_t i = 0; i < std::max<std::int64_t>(1, tensors); ++i) {
        last = emitter.collective({group, kind, each, Stream::gather, Activity::dp,
                                   plan().overlap.param_gather,
                                   gathers ? "dp all-gather" : "dp broadcast"});
      }
    };
    add(GroupKind::shard, chunk.dense_parameters(), plan().shard_group);
    add(GroupKind::expert_data, chunk.expert_parameters(), context().expert_data_parallel());
    return last;
  }

  // Without a flat buffer a unit's gradients appear in its first backward...
  void hold_gradients(Emitter& emitter, const Pass& pass, std::size_t unit) {
    if (!gradients_come_and_go(context())) return;
    const UnitCost& cost = *pass.chunk->units[unit].cost;
    const sim::Bytes bytes =
        unsharded_gradients(context(), {cost.dense_parameters, cost.expert_parameters});
    const bool each = plan().zero >= 2 && plan().grad_reduce != GradReduce::step;
    if (pass.first_micro_batch || each) {
      emitter.allocate(sim::MemoryCategory::gradients, bytes);
      held_ += bytes;
    }
    // ... and, where only shards are kept, vanish once they are reduced: the unit before this one
    // is done by now.
    if (plan().zero >= 2 && reduces_in(pass)) {
      emitter.free(sim::MemoryCategory::gradients, leaving_);
      held_ -= leaving_;
      leaving_ = bytes;
    }
  }

  void release_gradients(Emitter& emitter) {
    emitter.free(sim::MemoryCategory::gradients, held_);
    held_ = leaving_ = sim::Bytes{0};
  }

  std::vector<std::optional<OpIndex>> gathered_;  // per chunk
  std::optional<OpIndex> last_reduction_;
  bool sums_groups_ = true;  // what waits is summed between shard groups, too
  std::int64_t dense_ = 0;   // parameters whose gradients wait for a bucket to fill
  std::int64_t expert_ = 0;
  sim::Bytes held_;     // unsharded gradients in memory
  sim::Bytes leaving_;  // part of held_ that is being reduced
};

}  // namespace

std::unique_ptr<Strategy> make_data_parallel(const StepContext& context) {
  return std::make_unique<DataParallel>(context);
}

}  // namespace strategies
