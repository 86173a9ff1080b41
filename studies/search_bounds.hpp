// Lower bounds on the step time and the memory of a candidate, against this program's own
// simulation: what no simulation of it can undercut. docs/search.md proves each.
//
//  core      every variant of a core: compute and blocking communication of its fullest stage, with
//            the pipeline filled before and drained after it; least memory of any variant
//  chain     every variant of a core: the whole schedule, pass by pass, on idle links
//  variant   the core's time; memory of its states and activations, pass by pass from the beginning
//            of the schedule until every chunk has had its first backward
//  memory    the same from the programs themselves
//  pipeline  the whole schedule, with gathering before and reduction and the optimizer after it
//  shared    the same, on links that all equal groups load at once
//
// One object a thread: it remembers prices, schedules and units.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "scenarios/scenario.hpp"
#include "sim/machine.hpp"
#include "strategies/schedule.hpp"
#include "strategies/step_context.hpp"
#include "studies/search_gather.hpp"
#include "studies/search_pass_order.hpp"
#include "studies/search_prices.hpp"
#include "studies/search_space.hpp"
#include "studies/search_tail.hpp"
#include "studies/search_units.hpp"

namespace studies {

// No time bound is sharp enough.
inline constexpr double kNeverEnough = std::numeric_limits<double>::infinity();

struct SearchBound {
  double time_ps = 0.0;
  double memory_bytes = 0.0;  // as the driver shows it
};

class SearchBounds {
 public:
  SearchBounds(const SearchSpace& space, const sim::Machine& machine);

  // REQUIRES: `scenario` holds the core (and the variant), and lives as long as this object, which
  // refers to its model, device and implementation.
  SearchBound core(const SearchCore& core, const scenarios::Scenario& scenario);
  // Memory only; the time is that of the core. Consecutive variants of one core are fast.
  double variant_memory(const SearchCore& core, const scenarios::Scenario& scenario);
  // REQUIRES: memory_is_sharper; of other schedules a first backward may be the last, too.
  double memory(const SearchCore& core, const scenarios::Scenario& scenario);
  // Whether `memory` can be more than `variant_memory`.
  bool memory_is_sharper(const SearchCore& core, const scenarios::Scenario& scenario);
  double chain_time(const SearchCore& core, const scenarios::Scenario& scenario);
  // May be less sharp once it is above `enough`.
  double pipeline_time(const SearchCore& core, const scenarios::Scenario& scenario,
                       double enough = kNeverEnough);
  // `fleet`: the scenario's. REQUIRES: it outlives this object.
  double shared_time(const SearchCore& core, const scenarios::Scenario& scenario,
                     const strategies::Fleet& fleet);
  // PipelineBound::rest, of links that are shared.
  std::vector<std::vector<double>> rest(const SearchCore& core, const scenarios::Scenario& scenario,
                                        const strategies::Fleet& fleet);

 private:
  struct ChunkFacts {
    std::int64_t piece = 0;
    std::array<double, kPassKinds> passes{};  // that run alone
    std::array<double, kPassKinds> paired{};  // side by side with another
    double in_flight = 0.0;                   // forwards before the stage's first backward
  };
  // A pass at the beginning of a stage, as far as memory goes.
  struct EarlyPass {
    std::uint16_t chunk = 0;
    strategies::PassKind kind = strategies::PassKind::forward;
    bool first_backward = false, last_backward = false;  // of the chunk
    bool beside_next = false, beside_previous = false;
  };
  struct StageFacts {
    std::vector<ChunkFacts> chunks;
    std::vector<EarlyPass> beginning;
    std::int64_t first_piece = 0;           // of the first slot
    std::int64_t last_piece = -1;           // of the last slot, where it hands on a gradient
    std::int64_t first_backward_piece = 0;  // of the first backward
  };
  struct ScheduleFacts {
    std::vector<StageFacts> stages;
    bool pairs = false;  // some passes run side by side
  };
  struct GatheredPiece {
    double forward_peak = 0.0, backward_peak = 0.0, whole = 0.0;
  };
  struct PassTimes {
    std::vector<double> clock;                    // per stage: when its passes are over
    std::vector<std::vector<double>> last_start;  // … and chunk: when its last backward begins
    std::vector<double> least;                    // per pass in order_: what it takes alone
  };
  // What a core needs again for each of its variants.
  struct Prepared {
    SearchCore core;
    bool valid = false;
    const strategies::Fleet* fleet = nullptr;  // whose links its prices know
    UnitTables::TablePtr table;
    const ScheduleFacts* facts = nullptr;
    std::vector<PassCosts> pieces;
    // ZeRO-3: the peaks of pieces that gather their units as they go, and what that takes in all;
    // by whether they gather ahead. Worked out when asked for.
    std::array<std::vector<GatheredPiece>, 2> gathered;
    // Of the memory of a variant: the peaks of the beginning of each stage, by what they depend on.
    std::array<std::vector<double>, 16> early_peaks;
    // Of the pipeline bound: per stage, and by what the passes depend on. Worked out when asked
    // for.
    std::vector<StageLayout> layouts;
    std::map<std::array<std::int64_t, 8>, PassTimes> passes;
    std::map<std::array<std::int64_t, 8>, std::vector<TailBounds::TailPtr>> tails;
  };

  Prepared& prepare(const SearchCore& core, const scenarios::Scenario& scenario);
  struct KeptSchedule {
    strategies::PipelineSchedule schedule;
    std::vector<OrderedPass> order;  // worked out when asked for
  };
  using SchedulePtr = std::shared_ptr<KeptSchedule>;
  // Name, shape, in pairs: all that a schedule is made from.
  using ScheduleKey = std::tuple<std::string, strategies::ScheduleShape, bool>;
  static ScheduleKey schedule_key(const scenarios::Scenario& scenario);
  SchedulePtr kept_schedule(const scenarios::Scenario& scenario);
  static const std::vector<OrderedPass>& order(KeptSchedule& kept) {
    if (kept.order.empty()) kept.order = pass_order(kept.schedule);
    return kept.order;
  }
  double host_time(const scenarios::Scenario& scenario) const;
  const ScheduleFacts& facts(const scenarios::Scenario& scenario);
  double driver(double allocated, const strategies::Plan& plan,
                const scenarios::Scenario& scenario) const;
  double stage_memory(const Prepared& prepared, const scenarios::Scenario& scenario,
                      const strategies::Plan& plan, std::size_t stage) const;
  double states(const Prepared& prepared, const strategies::StepContext& context,
                std::size_t stage) const;
  double early_peak(const Prepared& prepared, const strategies::StepContext& context,
                    std::size_t stage) const;
  const std::vector<double>& early_peaks(Prepared& prepared,
                                         const strategies::StepContext& context) const;
  void add_beginning(StageFacts& stage, const std::vector<strategies::PassSlot>& slots) const;
  void gather_pieces(const scenarios::Scenario& scenario);
  const strategies::UnitCost* hollow(const strategies::UnitCost& unit);
  const std::vector<StageLayout>& layouts(Prepared& prepared, const scenarios::Scenario& scenario);
  double least_time(const Prepared& prepared, const scenarios::Scenario& scenario) const;

  friend class PipelineBound;

  const SearchSpace& space_;
  QuietPrices prices_;
  UnitTables units_;
  TailBounds tails_;
  GatheredPasses gathered_passes_;
  Prepared prepared_;
  std::map<std::vector<std::int64_t>, std::uint32_t> layout_numbers_;
  using HollowKey = std::array<std::int64_t, 4>;
  std::map<HollowKey, std::unique_ptr<strategies::UnitCost>> hollow_units_;
  std::map<ScheduleKey, ScheduleFacts> schedules_;
  std::map<ScheduleKey, SchedulePtr> kept_schedules_;
  std::size_t kept_slots_ = 0;
};

// Relative slack under every bound: doubles here, whole picoseconds there.
inline constexpr double kBoundSlack = 1.0 - 1e-9;

// What the memory of states depends on.
strategies::StepContext memory_context(const scenarios::Scenario& scenario,
                                       const strategies::Plan& plan);

// The cost of each piece of the model under a plan.
std::vector<PassCosts> piece_costs(const UnitTable& table, const scenarios::Scenario& scenario);

}  // namespace studies
