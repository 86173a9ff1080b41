// Lower bounds on the step time and the memory of a candidate, against this program's own
// simulation: what no simulation of it can undercut. docs/search.md proves each.
//
//  core      every variant of a core: compute and blocking communication of its fullest stage, with
//            the pipeline filled before and drained after it; least memory of any variant
//  variant   the core's time; memory of its states and of the activations in flight
//  memory    the memory of the step's beginning, as the programs take it, until every chunk has had
//            its first backward
//  pipeline  the whole schedule, pass by pass, on idle links, with gathering before and reduction
//            and the optimizer after it
//
// One object a thread: it remembers prices, schedules and units.
#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "scenarios/scenario.hpp"
#include "sim/machine.hpp"
#include "strategies/schedule.hpp"
#include "studies/search_prices.hpp"
#include "studies/search_space.hpp"
#include "studies/search_units.hpp"

namespace studies {

struct SearchBound {
  double time_ps = 0.0;
  double memory_bytes = 0.0;  // as the driver shows it
};

class SearchBounds {
 public:
  SearchBounds(const SearchSpace& space, const sim::Machine& machine);

  // REQUIRES: `scenario` holds the core (and the variant).
  SearchBound core(const SearchCore& core, const scenarios::Scenario& scenario);
  // Memory only; the time is that of the core. Consecutive variants of one core are fast.
  double variant_memory(const SearchCore& core, const scenarios::Scenario& scenario);
  double memory(const SearchCore& core, const scenarios::Scenario& scenario);
  double pipeline_time(const SearchCore& core, const scenarios::Scenario& scenario);

 private:
  struct ChunkFacts {
    std::int64_t piece = 0;
    std::array<double, kPassKinds> passes{};  // that run alone
    std::array<double, kPassKinds> paired{};  // side by side with another
    double in_flight = 0.0;                   // forwards before the stage's first backward
  };
  struct StageFacts {
    std::vector<ChunkFacts> chunks;
    std::int64_t first_piece = 0;           // of the first slot
    std::int64_t last_piece = -1;           // of the last slot, where it hands on a gradient
    std::int64_t first_backward_piece = 0;  // of the first backward
  };
  struct ScheduleFacts {
    std::vector<StageFacts> stages;
    bool pairs = false;  // some passes run side by side
  };
  // What a core needs again for each of its variants.
  struct Prepared {
    SearchCore core;
    bool valid = false;
    const UnitTable* table = nullptr;
    const ScheduleFacts* facts = nullptr;
    std::vector<PassCosts> pieces;
  };

  const Prepared& prepare(const SearchCore& core, const scenarios::Scenario& scenario);
  strategies::PipelineSchedule schedule_of(const scenarios::Scenario& scenario) const;
  const ScheduleFacts& facts(const scenarios::Scenario& scenario);
  double driver(double allocated, const strategies::Plan& plan,
                const scenarios::Scenario& scenario) const;
  double stage_memory(const Prepared& prepared, const scenarios::Scenario& scenario,
                      const strategies::Plan& plan, std::size_t stage) const;
  double least_time(const Prepared& prepared, const scenarios::Scenario& scenario) const;

  friend class PipelineBound;

  const SearchSpace& space_;
  QuietPrices prices_;
  UnitTables units_;
  Prepared prepared_;
  std::map<std::tuple<std::string, std::int64_t, std::int64_t, std::int64_t, std::int64_t>,
           ScheduleFacts>
      schedules_;
};

// Relative slack under every bound: doubles here, whole picoseconds there.
inline constexpr double kBoundSlack = 1.0 - 1e-9;

// The cost of each piece of the model under a plan.
std::vector<PassCosts> piece_costs(const UnitTable& table, const scenarios::Scenario& scenario);

}  // namespace studies
