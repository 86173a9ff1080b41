// What `search` chooses from: every combination of the values of the search's dimensions that makes
// a valid strategy, each once.
//
// The dimensions fall in two: a *core* fixes what a pass through the model costs (degrees, chunks,
// schedule, micro-batch, recomputation, placement), its *variants* what happens around the passes
// (ZeRO stage, shard group, overlaps, offload). Bounds cut whole cores with all their variants.
//
// A dimension without `search.ranges` or `search.fixed` has the values of docs/search.md. Where a
// dimension does not matter (vpp without a pipeline), only one value is taken, so that no two
// candidates are the same strategy.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/scenario.hpp"

namespace studies {

struct SearchDimension {
  std::string path;                                       // full key of the scenario
  std::int64_t (*get)(const scenarios::Scenario&);        // the value as a number
  void (*set)(scenarios::Scenario&, std::int64_t value);  // null: by text
  // Values to try after the dimensions before it are set; empty = this combination is impossible.
  std::vector<std::int64_t> (*defaults)(const scenarios::Scenario&);
  bool (*matters)(const scenarios::Scenario&);
  std::vector<std::int64_t> given;  // by fixed or ranges; empty = defaults
  std::vector<std::string> texts;   // of dimensions without `set`: given indexes them
};

inline constexpr std::size_t kMostCoreDimensions = 22;
inline constexpr std::size_t kMostVariantDimensions = 12;

struct SearchCore {
  std::array<std::int64_t, kMostCoreDimensions> values{};
};
struct SearchVariant {
  std::array<std::int64_t, kMostVariantDimensions> values{};
};

// At most this many candidates and cores; beyond, the search is refused (exit code 6).
inline constexpr std::size_t kMostCandidates = 100'000'000;
inline constexpr std::size_t kMostCores = 2'000'000;

class SearchSpace {
 public:
  // From the scenario's `search:` section; its `strategy:` does not matter. Throws ScenarioError.
  explicit SearchSpace(const scenarios::Scenario& scenario);

  // Cores in the order of the space. `impossible` counts combinations that no strategy can have.
  struct Cores {
    std::vector<SearchCore> list;
    std::uint64_t impossible = 0;
  };
  Cores cores() const;

  // The scenario of a core; its variant dimensions at the neutral values.
  void apply(const SearchCore& core, scenarios::Scenario& scenario) const;
  // Variants of the core that `scenario` holds, in the order of the space. Leaves the scenario as
  // it was.
  std::vector<SearchVariant> variants(scenarios::Scenario& scenario) const;
  void apply(const SearchVariant& variant, scenarios::Scenario& scenario) const;

  // The largest part of the optimizer that a variant keeps in host memory.
  double most_offloaded() const { return most_offloaded_; }

  // The same strategy with less in host memory, a step less of each state it keeps there.
  struct Strategy {
    SearchCore core;
    SearchVariant variant;
  };
  std::vector<Strategy> less_offloaded(const SearchCore& core, const SearchVariant& variant) const;

  // Everything the search does not choose.
  const scenarios::Scenario& base() const { return base_; }
  // "strategy.tp": what a core or variant says in words, for the journal and tests.
  const std::vector<SearchDimension>& core_dimensions() const { return core_; }
  const std::vector<SearchDimension>& variant_dimensions() const { return variant_; }
  // Which values each dimension may take, as text: part of the identity of a journal.
  std::string description() const;

 private:
  void set(const SearchDimension& dimension, scenarios::Scenario& scenario,
           std::int64_t value) const;
  std::vector<std::int64_t> values(const SearchDimension& dimension,
                                   const scenarios::Scenario& scenario) const;
  void add_given(const std::string& path, const std::vector<std::string>& texts);
  void enumerate(std::size_t dimension, SearchCore& core, scenarios::Scenario& scenario,
                 Cores& out) const;
  bool complete(scenarios::Scenario& scenario) const;

  scenarios::Scenario base_;
  std::vector<SearchDimension> core_;
  std::vector<SearchDimension> variant_;
  double most_offloaded_ = 0.0;
};

// Throws ScenarioError where strategies of the space differ in the tokens of a step, so that
// `wanted` (an objective) would not have the order of step times.
void require_same_tokens(const SearchSpace& space, const std::string& wanted);

// The table of dimensions (search_dimensions.cpp).
std::vector<SearchDimension> core_dimension_table();
std::vector<SearchDimension> variant_dimension_table();

}  // namespace studies
