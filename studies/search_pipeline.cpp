// The pipeline bound: every pass of the schedule on idle links.
//
// In the simulation a task starts when its predecessors have ended, and takes at least its time on
// idle links; tasks left out and waits left out can only make others end sooner. So the end of the
// last pass of a stage, computed from the passes' least times and the messages between them, is no
// later than in the simulation, and what follows it there (the last reduction, the optimizer, the
// exposed gathering) follows it here.
#include <algorithm>
#include <cmath>
#include <optional>

#include "scenarios/problems.hpp"
#include "strategies/states.hpp"
#include "studies/search_bounds.hpp"
#include "studies/search_copies.hpp"
#include "studies/search_gather.hpp"
#include "studies/search_messages.hpp"
#include "studies/search_tail.hpp"

namespace studies {

using scenarios::Scenario;
using strategies::GroupKind;
using strategies::PassKind;

class PipelineBound {
 public:
  enum class Of : std::uint8_t { core, variant };

  PipelineBound(SearchBounds& bounds, SearchBounds::Prepared& prepared, const Scenario& scenario,
                Of of)
      : bounds_(bounds),
        prepared_(prepared),
        scenario_(scenario),
        of_(of),
        plan_(scenario.plan),
        micro_batches_(scenarios::micro_batches(scenario)),
        kept_(bounds.kept_schedule(scenario)),
        order_(bounds.order(*kept_)),
        pieces_(prepared.pieces) {
    if (of == Of::core) {  // the least any variant does around the passes
      plan_.zero = 0;
      plan_.overlap.p2p = true;
    }
    if (plan_.zero == 0) plan_.shard_group = plan_.dp * plan_.cp;
    emitted_ = plan_;
    emitted_.pp = emitted_.vpp = 1;
    emitted_.offload.activations = 0.0;
    if (of == Of::variant) layouts_ = &bounds.layouts(prepared, scenario);
  }

  double run() {
    const SearchBounds::PassTimes& passes = timed();
    double end = 0.0;
    if (of_ == Of::core) {
      for (const double clock : passes.clock) end = std::max(end, clock);
      return (end + bounds_.host_time(scenario_)) * kBoundSlack;
    }
    const std::vector<TailBounds::TailPtr>& after = tails();
    for (std::size_t s = 0; s < passes.clock.size(); ++s) {
      end = std::max(end, bounds_.tails_.end(*after[s], passes.last_start[s], passes.clock[s]));
    }
    return end * kBoundSlack;
  }

 private:
  OuterPlan outer() const {
    return {scenario_, *prepared_.table, emitted_, bounds_.prices_.outer_shapes(plan_)};
  }

  // Variants that differ only in their passes share them.
  const std::vector<TailBounds::TailPtr>& tails() {
    const std::array<std::int64_t, 8> key{
        plan_.zero,
        plan_.shard_group,
        plan_.secondary_shard,
        plan_.gather_group,
        plan_.overlap.grad_reduce ? 1 : 0,
        plan_.overlap.param_gather && plan_.zero < 3 ? 1 : 0,
        std::llround(plan_.offload.optimizer * 1e9),
        std::llround(plan_.offload.parameters * 1e9) * 2 + (plan_.offload.nvme ? 1 : 0)};
    const auto [entry, is_new] = prepared_.tails.try_emplace(key);
    if (is_new) entry->second = bounds_.tails_.of_stages(outer(), *layouts_);
    return entry->second;
  }

  // Variants that differ only after the passes share them.
  const SearchBounds::PassTimes& timed() {
    const bool shards = plan_.zero == 3;
    const bool gathers_first = (plan_.zero == 1 || plan_.zero == 2) && plan_.overlap.param_gather;
    const std::array<std::int64_t, 8> key{
        of_ == Of::core ? 1 : 0,
        plan_.overlap.p2p ? 1 : 0,
        shards ? 2 : (gathers_first ? 1 : 0),
        shards || gathers_first ? plan_.shard_group : 0,
        shards && plan_.overlap.param_gather ? 1 : 0,
        shards && plan_.overlap.grad_reduce ? 1 : 0,
        shards ? (plan_.reshard_after_forward ? 1 : 0) + 2 * plan_.secondary_shard : 0,
        shards ? plan_.gather_group : 0};
    const auto [entry, is_new] = prepared_.passes.try_emplace(key);
    if (is_new) {
      run_passes();
      entry->second = {std::move(clock_), std::move(last_start_)};
    }
    return entry->second;
  }

  void run_passes() {
    gathering_ = pieces_;
    if (plan_.zero == 3) gather_units();
    const bool split = plan_.sequence_parallel || scenario_.implementation.scatter_gather_p2p;
    const sim::Bytes bytes{static_cast<std::int64_t>(prepared_.table->hidden_state) /
                           (split ? plan_.tp : 1)};
    messages_.emplace(bounds_.prices_, plan_, bytes, of_ == Of::core);
    if (of_ == Of::variant) {
      copies_.emplace(bounds_.prices_, bounds_.prices_.outer_shapes(plan_),
                      static_cast<std::size_t>(plan_.pp));
    }
    const auto stages = static_cast<std::size_t>(plan_.pp);
    clock_.assign(stages, 0.0);
    const auto chunks = static_cast<std::size_t>(kept_->schedule.chunks_of_stage());
    held_.assign(stages, std::vector<bool>(chunks, plan_.zero < 3));
    for (std::size_t s = 0; s < stages; ++s) release_.push_back(gathered(s));
    finals_.assign(stages, std::vector<std::int64_t>(held_.front().size(), 0));
    last_start_.assign(stages, std::vector<double>(held_.front().size(), 0.0));
    ends_.resize(order_.size());
    for (std::size_t i = 0; i < order_.size();) i += pass(i);
  }

  // Runs a pass, or two side by side. Returns how many.
  std::size_t pass(std::size_t at) {
    const std::size_t count = order_[at].with_next ? 2 : 1;
    const std::size_t s = order_[at].stage;
    std::array<double, 2> start{};
    for (std::size_t i = 0; i < count; ++i) start[i] = ready(order_[at + i]);
    double end = clock_[s];
    double together = clock_[s];
    for (std::size_t i = 0; i < count; ++i) {
      const OrderedPass& pass = order_[at + i];
      const PassCosts& cost = cost_of(pass);
      const auto kind = static_cast<std::size_t>(pass.kind);
      double finish = start[i] + cost.time[kind];
      if (count == 1 && copies_) {
        const bool end_of_model = pass.piece + 1 == pieces_.size();
        finish = copies_->finish(s, pass.kind, cost, end_of_model, start[i], finish);
      }
      if (is_last(pass)) finish += reductions_[pass.piece];
      if (makes_final(pass)) last_start_[s][pass.chunk] = start[i];
      together += cost.busy[kind];
      ends_[at + i] = finish;
      // The stage itself waits for its message to be gone where that is not overlapped.
      if (!plan_.overlap.p2p) finish += message(pass.stage, pass.to);
      end = std::max(end, finish);
    }
    clock_[s] = count > 1 ? std::max(end, together) : end;
    return count;
  }

  // ZeRO-3 gathers what is not there, and drops it after a backward, or after every pass.
  const PassCosts& cost_of(const OrderedPass& pass) {
    if (plan_.zero < 3) return pieces_[pass.piece];
    auto held = held_[pass.stage].begin() + pass.chunk;
    const PassCosts& cost = (*held ? pieces_ : gathering_)[pass.piece];
    *held = pass.kind == PassKind::forward && !plan_.reshard_after_forward;
    return cost;
  }

  // Whether the chunk's gradients are complete after this pass.
  bool is_last(const OrderedPass& pass) {
    if (reductions_.empty() || !makes_final(pass)) return false;
    return ++finals_[pass.stage][pass.chunk] == micro_batches_;
  }

  static bool makes_final(const OrderedPass& pass) {
    return pass.kind == PassKind::backward || pass.kind == PassKind::backward_weight;
  }

  double message(std::uint32_t from, std::uint32_t to) const {
    return from == to ? 0.0 : messages_->between(from, to);
  }

  // When a pass can start at the earliest.
  double ready(const OrderedPass& pass) const {
    double start = clock_[pass.stage];
    if (pass.waits_for >= 0) {
      const double there = ends_[static_cast<std::size_t>(pass.waits_for)];
      start = std::max(start, there + message(pass.from, pass.stage));
    }
    if (pass.kind == PassKind::forward) start = std::max(start, release_[pass.stage][pass.chunk]);
    return start;
  }

  // ZeRO-3. Never less than without gathering.
  void gather_units() {
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
  std::vector<double> gathered(std::size_t stage) {
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

  SearchBounds& bounds_;
  SearchBounds::Prepared& prepared_;
  const Scenario& scenario_;
  Of of_;
  strategies::Plan plan_;
  strategies::Plan emitted_;  // as one stage: without messages
  std::int64_t micro_batches_;
  SearchBounds::SchedulePtr kept_;
  const std::vector<OrderedPass>& order_;
  const std::vector<StageLayout>* layouts_ = nullptr;
  const std::vector<PassCosts>& pieces_;
  std::vector<PassCosts> gathering_;               // the same, with units gathered before they run
  std::vector<std::vector<bool>> held_;            // per stage and chunk: its parameters are there
  std::vector<double> reductions_;                 // per piece: blocking, after its last backward
  std::vector<std::vector<std::int64_t>> finals_;  // per stage and chunk: backwards so far
  std::optional<StageMessages> messages_;
  std::optional<ActivationCopies> copies_;
  std::vector<std::vector<double>> release_;  // per stage and chunk
  std::vector<double> ends_;                  // of the passes, in order
  std::vector<double> clock_;
  std::vector<std::vector<double>> last_start_;  // per stage and chunk: of its last backward so far
};

double SearchBounds::pipeline_time(const SearchCore& core, const Scenario& scenario) {
  return PipelineBound(*this, prepare(core, scenario), scenario, PipelineBound::Of::variant).run();
}

double SearchBounds::shared_time(const SearchCore& core, const Scenario& scenario,
                                 const strategies::Fleet& fleet) {
  prices_.share(&fleet);
  const double time = pipeline_time(core, scenario);
  prices_.share(nullptr);
  return time;
}

double SearchBounds::chain_time(const SearchCore& core, const Scenario& scenario) {
  return PipelineBound(*this, prepare(core, scenario), scenario, PipelineBound::Of::core).run();
}

}  // namespace studies
