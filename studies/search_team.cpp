#include "studies/search_team.hpp"

#include <algorithm>

namespace studies {

ThreadTeam::ThreadTeam(const SearchSpace& space, scenarios::PredictionCache& cache,
                       unsigned threads, const SearchSpace::Stop& stop)
    : workers_(thread_count(threads)), work_(space, cache, workers_.threads(), stop) {}

// Neighbours that share what a thread has to work out for itself go to one thread.
std::vector<CoreBound> ThreadTeam::bound_cores(std::size_t begin, std::size_t end) {
  const std::vector<std::size_t> begins = work_.core_blocks(begin, end);
  std::vector<CoreBound> out(end - begin);
  workers_.each(begins.size() - 1, [&](std::size_t t, std::size_t b) {
    for (std::size_t c = begins[b]; c < begins[b + 1]; ++c) {
      out[c - begin] = work_.bound(static_cast<unsigned>(t), static_cast<std::uint32_t>(c));
    }
  });
  return out;
}

// Fleets that are asked for the first time take longest: they begin first, and what waits for one
// comes last.
std::vector<Item> ThreadTeam::sharpen(std::span<const Item> items) {
  std::vector<Candidate> fresh;
  std::unordered_set<std::uint64_t> under_way;
  std::vector<std::size_t> order, waiting;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const bool links = items[i].level == Level::variant && work_.threads() > 1;
    const std::uint64_t placement = links ? work_.placement(items[i].id) : 0;
    if (links && laid_out_.insert(placement).second) {
      fresh.push_back(items[i].id);
      under_way.insert(placement);
    }
    (under_way.contains(placement) ? waiting : order).push_back(i);
  }
  order.insert(order.end(), waiting.begin(), waiting.end());
  std::vector<std::vector<Item>> sharper(items.size());
  workers_.each(fresh.size() + items.size(), [&](std::size_t thread, std::size_t turn) {
    const auto t = static_cast<unsigned>(thread);
    if (turn < fresh.size()) return work_.lay_out(t, fresh[turn]);
    const std::size_t i = order[turn - fresh.size()];
    sharper[i] = work_.sharpened(t, items[i]);
  });
  std::vector<Item> out;
  for (const auto& list : sharper) out.insert(out.end(), list.begin(), list.end());
  return out;
}

std::vector<char> ThreadTeam::needless(std::span<const Candidate> candidates) {
  std::vector<char> out(candidates.size(), 0);
  workers_.each(candidates.size(), [&](std::size_t t, std::size_t i) {
    out[i] = work_.offloads_needlessly(static_cast<unsigned>(t), candidates[i]) ? 1 : 0;
  });
  return out;
}

// The largest first, so that no thread is left with one at the end.
std::vector<Evaluation> ThreadTeam::evaluate(std::span<const EvaluationTask> tasks) {
  std::vector<std::pair<std::size_t, std::size_t>> order;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    order.emplace_back(work_.simulated_ranks(tasks[i].strategy.id), i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<Evaluation> out(tasks.size());
  workers_.each(tasks.size(), [&](std::size_t t, std::size_t turn) {
    const std::size_t i = order[turn].second;
    out[i] = work_.evaluate(static_cast<unsigned>(t), tasks[i]);
  });
  return out;
}

}  // namespace studies
