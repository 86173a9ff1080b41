// The pipeline bound of search_bounds.hpp: every pass of the schedule on idle links.
//
// In the simulation a task starts when its predecessors have ended, and takes at least its time on
// idle links; tasks left out and waits left out can only make others end sooner. So the end of the
// last pass of a stage, computed from the passes' least times and the messages between them, is no
// later than in the simulation, and what follows it there (the last reduction, the optimizer, the
// exposed gathering) follows it here.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "studies/search_bounds.hpp"
#include "studies/search_copies.hpp"
#include "studies/search_messages.hpp"

namespace studies {

class PipelineBound {
 public:
  enum class Of : std::uint8_t { core, variant };

  // `enough`: a bound above it need not be sharper.
  PipelineBound(SearchBounds& bounds, SearchBounds::Prepared& prepared,
                const scenarios::Scenario& scenario, Of of, double enough = kNeverEnough);

  double run();
  // For each stage, in its order: the least time from the start of each of its passes to the end of
  // the step, and at last of what follows them. Nothing where passes run side by side.
  std::vector<std::vector<double>> rest();

 private:
  static double last_pass(const SearchBounds::PassTimes& passes) {
    return *std::max_element(passes.clock.begin(), passes.clock.end());
  }

  const SearchBounds::PassTimes& most_overlapped();
  OuterPlan outer() const {
    return {scenario_, *prepared_.table, emitted_, bounds_.prices_.outer_shapes(plan_)};
  }

  const std::vector<TailBounds::TailPtr>& tails();
  const SearchBounds::PassTimes& timed();
  void run_passes();
  void meet_messages();
  std::size_t pass(std::size_t at);
  const PassCosts& cost_of(const OrderedPass& pass);
  bool is_last(const OrderedPass& pass);
  static bool makes_final(const OrderedPass& pass) {
    return pass.kind == strategies::PassKind::backward ||
           pass.kind == strategies::PassKind::backward_weight;
  }

  double message(std::uint32_t from, std::uint32_t to) const {
    return from == to ? 0.0 : messages_->between(from, to);
  }

  double ready(const OrderedPass& pass) const;
  void gather_units();
  std::vector<double> gathered(std::size_t stage);

  SearchBounds& bounds_;
  SearchBounds::Prepared& prepared_;
  const scenarios::Scenario& scenario_;
  Of of_;
  double enough_;
  bool best_case_ = false;  // of variants that differ in what they overlap
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
  std::vector<double> least_;  // of the passes, in order; kept where links are shared
  std::vector<std::vector<double>> last_start_;  // per stage and chunk: of its last backward so far
};

}  // namespace studies
