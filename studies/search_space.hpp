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
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/prediction_cache.hpp"
#include "scenarios/problems.hpp"
#include "scenarios/reader.hpp"
#include "studies/search_core_list.hpp"

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

inline constexpr std::size_t kMostVariantDimensions = 12;

struct SearchVariant {
  std::array<std::int64_t, kMostVariantDimensions> values{};
};
using VariantKey = std::array<std::int64_t, 6 + kMostCoreDimensions>;

// Combinations that are no strategy, by the reason: kDivisibility, or the key whose rule refuses.
inline constexpr const char* kDivisibility = "divisibility";
struct Refusal {
  std::uint64_t count = 0;
  std::string example;  // the first, in words
};
using Refusals = std::map<std::string, Refusal>;
std::uint64_t total(const Refusals& refused);

// At most this many cores; beyond, the search is refused (exit code 6).
inline constexpr std::size_t kMostCores = 20'000'000;

class SearchSpace {
 public:
  // From the scenario's `search:` section; its `strategy:` does not matter. Throws ScenarioError.
  explicit SearchSpace(const scenarios::Scenario& scenario);

  // Cores in the order of the space, and the combinations that are no strategy. Throws
  // ScenarioError where there are more than `most`. Once `stop` says so, what there is by then.
  struct Cores {
    CoreList list;
    Refusals refused;
  };
  using Stop = std::function<bool()>;
  Cores cores(unsigned threads = 1, std::size_t most = kMostCores, const Stop& stop = {}) const;
  // How many dimensions come before the stages of the pipeline: cores that agree in them share most
  // of what bounds have to know.
  std::size_t inner_dimensions() const;
  // Why there is none, in the first combination that has something wrong with the key, or in the
  // first at all; nothing when there is a core.
  std::optional<scenarios::Problem> emptiness(const std::string& key) const;

  // The scenario of a core; its variant dimensions at the neutral values.
  void apply(const SearchCore& core, scenarios::Scenario& scenario) const;
  // Variants of the core that `scenario` holds, in the order of the space. Leaves the scenario as
  // it was. `refusal` gets what is wrong where ZeRO shards most.
  std::vector<SearchVariant> variants(scenarios::Scenario& scenario,
                                      std::optional<scenarios::Problem>* refusal = nullptr) const;
  // Equal for cores with the same variants. `scenario` holds the core.
  VariantKey variant_key(const SearchCore& core, const scenarios::Scenario& scenario) const;
  // Whether the variant that `scenario` holds is a strategy with its core.
  bool allows_variant(const scenarios::Scenario& scenario) const {
    return !variant_problem(scenario);
  }
  void apply(const SearchVariant& variant, scenarios::Scenario& scenario) const;

  // The largest part of the optimizer that a variant keeps in host memory.
  double most_offloaded() const { return most_offloaded_; }
  // For a cache of the whole space: its strategies share fleets whether they offload or not.
  scenarios::PredictionCache::HostLinks host_links() const { return host_links_; }

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
  void note_offloading();
  struct Walk;  // through the combinations of the core dimensions (search_space_cores.cpp)
  // The values of the first dimensions: of so many, or of fewer where these have many already.
  struct Prefix {
    SearchCore core;
    std::size_t dimensions = 0;
  };
  std::vector<Prefix> prefixes(std::size_t dimensions) const;
  void enumerate(std::size_t dimension, SearchCore& core, scenarios::Scenario& scenario,
                 Walk& walk) const;
  void take_core(const SearchCore& core, scenarios::Scenario& scenario, Walk& walk) const;
  bool complete(scenarios::Scenario& scenario) const;
  bool repeats(const SearchCore& core, scenarios::Scenario& scenario) const;
  bool is_of_variants(const scenarios::Problem& problem) const;
  std::optional<scenarios::Problem> core_problem(const scenarios::Scenario& scenario) const;
  std::optional<scenarios::Problem> variant_problem(const scenarios::Scenario& scenario) const;

  scenarios::Scenario base_;
  std::vector<SearchDimension> core_;
  std::vector<SearchDimension> variant_;
  double most_offloaded_ = 0.0;
  scenarios::PredictionCache::HostLinks host_links_ =
      scenarios::PredictionCache::HostLinks::kNeeded;
  // Whether rules between variants and what is given of the rest can refuse any.
  bool variants_are_checked_ = false;
};

// Throws ScenarioError where strategies of the space differ in the tokens of a step, so that
// `wanted` (an objective) would not have the order of step times.
void require_same_tokens(const SearchSpace& space, const std::string& wanted);

// About a key in `search:`, at its place in the file.
scenarios::Diagnostic diagnostic_at(const scenarios::Scenario& scenario, const std::string& key,
                                    const std::string& message, const std::string& hint);

// Values of `search.fixed` that no strategy has, whatever the others are; each at its place.
std::vector<scenarios::Diagnostic> impossible_fixed(const scenarios::Scenario& scenario);

// The table of dimensions (search_dimensions.cpp).
std::vector<SearchDimension> core_dimension_table();
std::vector<SearchDimension> variant_dimension_table();

}  // namespace studies
