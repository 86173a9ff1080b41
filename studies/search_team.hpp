// Who does the work of a search: the threads of this machine, or the ranks of many.
#pragma once

#include <unordered_set>

#include "studies/search_work.hpp"
#include "studies/workers.hpp"

namespace studies {

class SearchTeam {
 public:
  virtual ~SearchTeam() = default;
  virtual SearchWork& own() = 0;  // what this process itself can do
  // Of the cores from one place to before another, in their order.
  virtual std::vector<CoreBound> bound_cores(std::size_t begin, std::size_t end) = 0;
  // What becomes of the items, in their order (SearchWork::sharpened).
  virtual std::vector<Item> sharpen(std::span<const Item> items) = 0;
  // Which would fit with less in host memory, in their order (SearchWork::offloads_needlessly).
  virtual std::vector<char> needless(std::span<const Candidate> candidates) = 0;
  // In the order of the tasks.
  virtual std::vector<Evaluation> evaluate(std::span<const EvaluationTask> tasks) = 0;
};

class ThreadTeam final : public SearchTeam {
 public:
  // `threads`: 0 = all cores.
  // `stop`: as in SearchWork.
  ThreadTeam(const SearchSpace& space, scenarios::PredictionCache& cache, unsigned threads,
             const SearchSpace::Stop& stop = {});

  SearchWork& own() override { return work_; }
  std::vector<CoreBound> bound_cores(std::size_t begin, std::size_t end) override;
  std::vector<Item> sharpen(std::span<const Item> items) override;
  std::vector<char> needless(std::span<const Candidate> candidates) override;
  std::vector<Evaluation> evaluate(std::span<const EvaluationTask> tasks) override;

 private:
  Workers workers_;
  SearchWork work_;
  std::unordered_set<std::uint64_t> laid_out_;  // placements whose fleets are there
};

}  // namespace studies
