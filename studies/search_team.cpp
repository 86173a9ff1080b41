#include "studies/search_team.hpp"

#include <algorithm>

namespace studies {

ThreadTeam::ThreadTeam(const SearchSpace& space, scenarios::PredictionCache& cache,
                       unsigned threads)
    : workers_(thread_count(threads)), work_(space, cache, workers_.threads()) {}

// Contiguous blocks: neighbours share units.
std::vector<CoreBound> ThreadTeam::bound_cores() {
  constexpr std::size_t kBlock = 256;
  const std::size_t count = work_.cores().list.size();
  std::vector<CoreBound> out(count);
  workers_.each((count + kBlock - 1) / kBlock, [&](std::size_t t, std::size_t b) {
    for (std::size_t c = b * kBlock; c < std::min(count, (b + 1) * kBlock); ++c) {
      out[c] = work_.bound(static_cast<unsigned>(t), static_cast<std::uint32_t>(c));
    }
  });
  return out;
}

// The fleets that items ask for, side by side: a thread that asks for one that another is at work
// on has to wait for it.
void ThreadTeam::lay_out(std::span<const Item> items) {
  std::vector<Candidate> fresh;
  for (const Item& item : items) {
    if (item.level == Level::variant && laid_out_.insert(work_.placement(item.id)).second) {
      fresh.push_back(item.id);
    }
  }
  workers_.each(fresh.size(), [&](std::size_t t, std::size_t i) {
    work_.lay_out(static_cast<unsigned>(t), fresh[i]);
  });
}

std::vector<Item> ThreadTeam::sharpen(std::span<const Item> items) {
  if (work_.threads() > 1) lay_out(items);
  std::vector<std::vector<Item>> sharper(items.size());
  workers_.each(items.size(), [&](std::size_t t, std::size_t i) {
    sharper[i] = work_.sharpened(static_cast<unsigned>(t), items[i]);
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

std::vector<Evaluation> ThreadTeam::evaluate(std::span<const EvaluationTask> tasks) {
  std::vector<Evaluation> out(tasks.size());
  workers_.each(tasks.size(),
                [&](std::size_t, std::size_t i) { out[i] = work_.evaluate(tasks[i]); });
  return out;
}

}  // namespace studies
