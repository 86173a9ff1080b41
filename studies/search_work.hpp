// The parts of a search that are work: bounds of cores, sharper bounds, simulations. Each is pure
// and can be done anywhere; search.cpp decides what is to be done, in rounds, and settles it in
// order.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "scenarios/prediction_cache.hpp"
#include "studies/search.hpp"
#include "studies/search_bounds.hpp"
#include "studies/search_evaluate.hpp"
#include "studies/search_queue.hpp"

namespace studies {

struct CoreBound {
  SearchBound bound;
  std::uint32_t variants = 0;  // how many the core has
};

// On one machine. Each thread has a number below `threads`; methods that take one may be called at
// the same time with different numbers.
class SearchWork {
 public:
  // Once `stop` says so, its cores are only some.
  SearchWork(const SearchSpace& space, scenarios::PredictionCache& cache, unsigned threads,
             const SearchSpace::Stop& stop = {});

  const SearchSpace::Cores& cores() const { return cores_; }
  // Where, among some cores, blocks of neighbours begin whose bounds share most; at last the end.
  std::vector<std::size_t> core_blocks(std::size_t begin, std::size_t end) const;
  unsigned threads() const { return static_cast<unsigned>(desks_.size()); }

  // Neighbours share much: faster in a row.
  CoreBound bound(unsigned thread, std::uint32_t core);
  // The item with its next sharper bound, or, instead of a core, its variants. Sets no keys.
  std::vector<Item> sharpened(unsigned thread, const Item& item);
  CandidateStrategy strategy_of(unsigned thread, Candidate id);
  // Equal for strategies whose groups lie on the machine alike: they share a fleet, which is what a
  // machine that has not laid one out yet takes longest for. Never 0. Not for several threads.
  std::uint64_t placement(Candidate id);
  void lay_out(unsigned thread, Candidate id);
  // How many ranks its simulation has; lays its fleet out. Not for several threads.
  std::size_t simulated_ranks(Candidate id);
  // Whether it would fit with less in host memory.
  bool offloads_needlessly(unsigned thread, Candidate id);
  Evaluation evaluate(unsigned thread, const EvaluationTask& task);
  // What an evaluation elsewhere has found, for offloads_needlessly().
  void keep_fit(const CandidateStrategy& strategy, bool fits);

 private:
  struct Desk {  // of one thread
    std::unique_ptr<SearchBounds> bounds;
    scenarios::Scenario scenario;
    std::map<VariantKey, std::vector<SearchVariant>> variants;
  };
  scenarios::Scenario& hold(Desk& desk, std::uint32_t core) const;
  // Of the core that the desk holds.
  const std::vector<SearchVariant>& variants(Desk& desk, std::uint32_t core) const;
  // The plan of a candidate, as the simulation has it.
  strategies::Plan plan_of(Desk& desk, Candidate id) const;
  Item with_links(Desk& desk, const Item& item) const;

  const SearchSpace& space_;
  scenarios::PredictionCache& cache_;
  SearchSpace::Cores cores_;
  double limit_;
  std::vector<Desk> desks_;
  KnownFits fits_;
};

}  // namespace studies
