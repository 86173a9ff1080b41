// Who does the work of a search: the threads of this machine, or the ranks of many.
#pragma once

#include "studies/search_work.hpp"

namespace studies {

class SearchTeam {
 public:
  virtual ~SearchTeam() = default;
  virtual SearchWork& own() = 0;  // what this process itself can do
  // Of all cores, in their order.
  virtual std::vector<CoreBound> bound_cores() = 0;
  // What becomes of the items, in their order (SearchWork::sharpened).
  virtual std::vector<Item> sharpen(std::span<const Item> items) = 0;
  // In the order of the tasks.
  virtual std::vector<Evaluation> evaluate(std::span<const EvaluationTask> tasks) = 0;
};

class ThreadTeam final : public SearchTeam {
 public:
  // `threads`: 0 = all cores.
  ThreadTeam(const SearchSpace& space, scenarios::PredictionCache& cache, unsigned threads);

  SearchWork& own() override { return work_; }
  std::vector<CoreBound> bound_cores() override;
  std::vector<Item> sharpen(std::span<const Item> items) override;
  std::vector<Evaluation> evaluate(std::span<const EvaluationTask> tasks) override;

 private:
  SearchWork work_;
};

}  // namespace studies
