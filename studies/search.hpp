// Search: the best strategies of a space, exactly. docs/search.md has the method and its proof.
//
// Candidates wait in a queue by the lower bound of the objective. A round takes those that are
// foremost; if the first kRound have their sharpest bound they are simulated, else the bounds of
// all are sharpened and they go back. What cannot be among the best any more, nor on the Pareto
// front, is dropped. Rounds have a fixed size and results are taken in order, so that the outcome
// and all counters are the same on any number of threads and ranks.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "scenarios/report.hpp"
#include "studies/search_space.hpp"

namespace studies {

inline constexpr std::size_t kRound = 32;

enum class Objective : std::uint8_t { step_time, tokens_per_s, memory, cost };
std::optional<Objective> find_objective(std::string_view name);

struct Candidate {
  std::uint32_t core = 0;     // index among the space's cores
  std::uint32_t variant = 0;  // index among the core's variants
  auto operator<=>(const Candidate&) const = default;
};

struct Evaluation {
  bool fits = false;
  std::int64_t step_ps = 0;       // 0 when it does not fit: not simulated
  bool late = false;              // it takes more than step_ps, which was the task's deadline
  std::int64_t memory_bytes = 0;  // of the fullest rank, as the driver shows it
  bool operator==(const Evaluation&) const = default;
};

struct CandidateStrategy {
  Candidate id;
  SearchCore core;
  SearchVariant variant;
};

// To be simulated until it is certain that a step takes more than the deadline.
struct EvaluationTask {
  CandidateStrategy strategy;
  std::int64_t deadline_ps = INT64_MAX;
};

class SearchTeam;  // search_team.hpp

// What was evaluated before, and is to be kept (search_journal.hpp).
class EvaluationStore {
 public:
  virtual ~EvaluationStore() = default;
  virtual std::optional<Evaluation> known(Candidate id) const = 0;
  virtual void keep(std::span<const Candidate> ids, std::span<const Evaluation> results) = 0;
};

enum class Front : std::uint8_t {
  exact,      // nothing that may lie on it is left out
  evaluated,  // of what had to be simulated for the best anyway
  none,
};

struct SearchOptions {
  std::size_t top = 10;
  Objective objective = Objective::step_time;
  std::optional<Front> front = Front::exact;  // none: exact where the space is small
  // Of an exact front: what takes at most so many times as long as the best. REQUIRES: infinite, or
  // an objective other than memory.
  double front_within = std::numeric_limits<double>::infinity();
  std::uint64_t small_space = 0;     // candidates
  unsigned threads = 0;              // 0 = all cores
  EvaluationStore* store = nullptr;  // null = nothing is kept
  // After each round, and among the first bounds; false ends the search early.
  std::function<bool(std::uint64_t done, std::uint64_t left)> on_round;
};

struct Found {
  CandidateStrategy strategy;
  Evaluation evaluation;
};

struct SearchCounts {
  std::uint64_t candidates = 0;  // valid strategies
  Refusals refused;              // combinations that are no strategy
  std::uint64_t rejected_by_memory = 0;
  std::uint64_t pruned = 0;          // by bounds
  std::uint64_t evaluated = 0;       // memory worked out exactly, and simulated where it fits
  std::uint64_t feasible = 0;        // evaluated and fits
  std::int64_t best_miss_bytes = 0;  // where nothing fits: the least that a strategy is over by
};

struct SearchResult {
  SearchCounts counts;
  // Best first; ties by step time, memory, place in the space. By any objective but memory without
  // those that keep in host memory what would have room on the device.
  std::vector<Found> best;
  std::vector<Found> pareto;  // of step time and memory, fastest first, within `front_within`
  bool pareto_exact = true;
  bool complete = true;  // false: ended early; `best` is of what was simulated so far
};

// Memory a strategy may take: the device's, or search.max_memory where that is less.
double memory_limit(const scenarios::Scenario& scenario);

// The scenario of a candidate, with everything that follows from it, ready to be written as a file.
scenarios::Scenario materialise(const SearchSpace& space, const CandidateStrategy& strategy);

SearchResult search(const SearchSpace& space, const SearchOptions& options, SearchTeam& team);

}  // namespace studies
