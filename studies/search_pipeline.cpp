#include "studies/search_pipeline.hpp"

#include <algorithm>
#include <cmath>

#include "scenarios/problems.hpp"

namespace studies {

using scenarios::Scenario;
using strategies::PassKind;

PipelineBound::PipelineBound(SearchBounds& bounds, SearchBounds::Prepared& prepared,
                             const Scenario& scenario, Of of, double enough)
    : bounds_(bounds),
      prepared_(prepared),
      scenario_(scenario),
      of_(of),
      enough_(enough),
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

double PipelineBound::run() {
  if (of_ == Of::core) {
    return (last_pass(timed()) + bounds_.host_time(scenario_)) * kBoundSlack;
  }
  if (enough_ < kNeverEnough) {
    const double least = last_pass(most_overlapped()) * kBoundSlack;
    if (least > enough_) return least;
  }
  const SearchBounds::PassTimes& passes = timed();
  const std::vector<TailBounds::TailPtr>& after = tails();
  double end = 0.0;
  for (std::size_t s = 0; s < passes.clock.size(); ++s) {
    end = std::max(end, bounds_.tails_.end(*after[s], passes.last_start[s], passes.clock[s]));
  }
  return end * kBoundSlack;
}

// What many variants share and none undercuts: messages as fast as they can be, reductions beside
// the passes, and before these nothing to wait for.
const SearchBounds::PassTimes& PipelineBound::most_overlapped() {
  const strategies::Overlap own = plan_.overlap;
  plan_.overlap.p2p = plan_.overlap.grad_reduce = true;
  if (plan_.zero < 3) plan_.overlap.param_gather = false;
  emitted_.overlap = plan_.overlap;
  best_case_ = true;
  const SearchBounds::PassTimes& passes = timed();
  plan_.overlap = emitted_.overlap = own;
  best_case_ = false;
  return passes;
}

// Variants that differ only in their passes share them.
const std::vector<TailBounds::TailPtr>& PipelineBound::tails() {
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
const SearchBounds::PassTimes& PipelineBound::timed() {
  const bool shards = plan_.zero == 3;
  const bool gathers_first = (plan_.zero == 1 || plan_.zero == 2) && plan_.overlap.param_gather;
  const std::array<std::int64_t, 8> key{
      (of_ == Of::core ? 1 : 0) + (best_case_ ? 2 : 0),
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
    entry->second = {std::move(clock_), std::move(last_start_), std::move(least_)};
  }
  return entry->second;
}

void PipelineBound::meet_messages() {
  const bool split = plan_.sequence_parallel || scenario_.implementation.scatter_gather_p2p;
  const sim::Bytes bytes{static_cast<std::int64_t>(prepared_.table->hidden_state) /
                         (split ? plan_.tp : 1)};
  messages_.emplace(bounds_.prices_, plan_, bytes, of_ == Of::core || best_case_);
}

void PipelineBound::run_passes() {
  gathering_ = pieces_;
  if (plan_.zero == 3) gather_units();
  meet_messages();
  if (of_ == Of::variant) {
    copies_.emplace(bounds_.prices_, bounds_.prices_.outer_shapes(plan_),
                    static_cast<std::size_t>(plan_.pp));
  }
  const auto stages = static_cast<std::size_t>(plan_.pp);
  clock_.assign(stages, 0.0);
  const auto chunks = static_cast<std::size_t>(kept_->schedule.chunks_of_stage());
  held_.assign(stages, std::vector<bool>(chunks, plan_.zero < 3));
  release_.clear();
  for (std::size_t s = 0; s < stages; ++s) release_.push_back(gathered(s));
  finals_.assign(stages, std::vector<std::int64_t>(held_.front().size(), 0));
  last_start_.assign(stages, std::vector<double>(held_.front().size(), 0.0));
  ends_.resize(order_.size());
  least_.assign(bounds_.prices_.fleet() != nullptr ? order_.size() : 0, 0.0);
  for (std::size_t i = 0; i < order_.size();) i += pass(i);
}

// Runs a pass, or two side by side. Returns how many.
std::size_t PipelineBound::pass(std::size_t at) {
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
    double least = cost.time[kind];
    // What is reduced holds back the next unit, but not what is gathered for it.
    if (is_last(pass))
      least = std::max(least, pieces_[pass.piece].time[kind] + reductions_[pass.piece]);
    if (!least_.empty()) least_[at + i] = least;
    double finish = start[i] + least;
    if (count == 1 && copies_) {
      const bool end_of_model = pass.piece + 1 == pieces_.size();
      finish = copies_->finish(s, pass.kind, cost, end_of_model, start[i], finish);
    }
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
const PassCosts& PipelineBound::cost_of(const OrderedPass& pass) {
  if (plan_.zero < 3) return pieces_[pass.piece];
  auto held = held_[pass.stage].begin() + pass.chunk;
  const PassCosts& cost = (*held ? pieces_ : gathering_)[pass.piece];
  *held = pass.kind == PassKind::forward && !plan_.reshard_after_forward;
  return cost;
}

// Whether the chunk's gradients are complete after this pass.
bool PipelineBound::is_last(const OrderedPass& pass) {
  if (reductions_.empty() || !makes_final(pass)) return false;
  return ++finals_[pass.stage][pass.chunk] == micro_batches_;
}

// When a pass can start at the earliest.
double PipelineBound::ready(const OrderedPass& pass) const {
  double start = clock_[pass.stage];
  if (pass.waits_for >= 0) {
    const double there = ends_[static_cast<std::size_t>(pass.waits_for)];
    start = std::max(start, there + message(pass.from, pass.stage));
  }
  if (pass.kind == PassKind::forward) start = std::max(start, release_[pass.stage][pass.chunk]);
  return start;
}

double SearchBounds::pipeline_time(const SearchCore& core, const Scenario& scenario,
                                   double enough) {
  return PipelineBound(*this, prepare(core, scenario), scenario, PipelineBound::Of::variant, enough)
      .run();
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
