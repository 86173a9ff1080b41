#include "studies/search_counts.hpp"

#include <algorithm>
#include <tuple>

#include "studies/training_run.hpp"

namespace studies {
namespace {

struct Entry {
  FoundPlace at;
  std::int64_t step_ps = 0;
  std::int64_t memory_bytes = 0;
  std::int64_t gpus = 0;
  double cost = 0.0;
};

std::vector<Entry> entries(std::span<const SearchedCount> counts,
                           std::vector<Found> SearchResult::*list) {
  std::vector<Entry> out;
  for (std::size_t c = 0; c < counts.size(); ++c) {
    const std::vector<Found>& found = counts[c].result->*list;
    for (std::size_t i = 0; i < found.size(); ++i) {
      const Evaluation& e = found[i].evaluation;
      out.push_back({{c, i},
                     e.step_ps,
                     e.memory_bytes,
                     counts[c].base->cluster.gpus,
                     step_cost(*counts[c].base, e.step_ps)});
    }
  }
  return out;
}

auto order(const Entry& e) { return std::tuple(e.step_ps, e.memory_bytes, e.at.count, e.at.place); }

double key(const Entry& e, Objective objective) {
  switch (objective) {
    case Objective::memory:
      return static_cast<double>(e.memory_bytes);
    case Objective::cost:
      return e.cost;
    case Objective::step_time:
    case Objective::tokens_per_s:
      break;  // the tokens of a step are the same on every count
  }
  return static_cast<double>(e.step_ps);
}

// Whether `a` is at least as good in every axis.
bool covers(const Entry& a, const Entry& b, FrontAxes axes) {
  return a.step_ps <= b.step_ps && a.memory_bytes <= b.memory_bytes &&
         (!axes.gpus || a.gpus <= b.gpus) && (!axes.cost || a.cost <= b.cost);
}

std::vector<FoundPlace> places(const std::vector<Entry>& entries) {
  std::vector<FoundPlace> out;
  for (const Entry& e : entries) out.push_back(e.at);
  return out;
}

}  // namespace

double step_cost(const scenarios::Scenario& base, std::int64_t step_ps) {
  const TrainingRun step = training_run(base, sim::Time::ps(step_ps), 1.0);
  return base.cluster.price_per_gpu_hour_usd > 0.0 ? step.price_usd : step.gpu_hours;
}

std::vector<FoundPlace> best_of_counts(std::span<const SearchedCount> counts, Objective objective,
                                       std::size_t top) {
  std::vector<Entry> all = entries(counts, &SearchResult::best);
  std::sort(all.begin(), all.end(), [&](const Entry& a, const Entry& b) {
    return std::tuple(key(a, objective), order(a)) < std::tuple(key(b, objective), order(b));
  });
  all.resize(std::min(all.size(), top));
  return places(all);
}

std::vector<FoundPlace> front_of_counts(std::span<const SearchedCount> counts, FrontAxes axes) {
  std::vector<Entry> all = entries(counts, &SearchResult::pareto);
  std::sort(all.begin(), all.end(),
            [](const Entry& a, const Entry& b) { return order(a) < order(b); });
  std::vector<Entry> front;
  // Of equals in step time and memory the one with fewer GPUs, and so of less cost, comes first.
  for (const Entry& e : all) {
    const bool beaten =
        std::any_of(front.begin(), front.end(), [&](const Entry& f) { return covers(f, e, axes); });
    if (!beaten) front.push_back(e);
  }
  return places(front);
}

SearchCounts total(std::span<const SearchedCount> counts) {
  SearchCounts out;
  for (const SearchedCount& count : counts) {
    const SearchCounts& c = count.result->counts;
    const bool first = out.best_miss_bytes == 0;
    out.candidates += c.candidates;
    for (const auto& [reason, refusal] : c.refused) {
      Refusal& sum = out.refused[reason];
      if (sum.count == 0) sum.example = refusal.example;
      sum.count += refusal.count;
    }
    out.rejected_by_memory += c.rejected_by_memory;
    out.pruned += c.pruned;
    out.evaluated += c.evaluated;
    out.feasible += c.feasible;
    if (c.best_miss_bytes > 0 && (first || c.best_miss_bytes < out.best_miss_bytes)) {
      out.best_miss_bytes = c.best_miss_bytes;
    }
  }
  if (out.feasible > 0) out.best_miss_bytes = 0;
  return out;
}

}  // namespace studies
