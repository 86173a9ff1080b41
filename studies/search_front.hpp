// The best so far of a search, and its Pareto front.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "studies/search.hpp"

namespace studies {

// The `most` with the smallest keys; ties by step time, memory and place in the space.
class BestList {
 public:
  explicit BestList(std::size_t most) : most_(most) {}

  void add(double key, const Found& found) {
    const Evaluation& e = found.evaluation;
    list_.emplace(Order{key, e.step_ps, e.memory_bytes, found.strategy.id}, found);
    if (list_.size() > most_) list_.erase(std::prev(list_.end()));
  }

  // Whether something whose key is at least `bound` can still enter.
  bool may_take(double bound) const {
    if (list_.size() < most_) return true;
    return most_ > 0 && bound <= std::get<0>(std::prev(list_.end())->first);
  }

  // The key of the first place so far; nothing while there is none.
  std::optional<double> first() const {
    if (list_.empty()) return std::nullopt;
    return std::get<0>(list_.begin()->first);
  }

  // The key of the last place; nothing while there is room.
  std::optional<double> last() const {
    if (list_.size() < most_ || most_ == 0) return std::nullopt;
    return std::get<0>(std::prev(list_.end())->first);
  }

  std::vector<Found> take() {
    std::vector<Found> out;
    for (auto& [order, found] : list_) out.push_back(std::move(found));
    return out;
  }

 private:
  using Order = std::tuple<double, std::int64_t, std::int64_t, Candidate>;
  std::size_t most_;
  std::map<Order, Found> list_;
};

// Of step time and memory: no member is beaten in one and not better in the other by any candidate.
// Of equal members the first in the space stands.
class ParetoFront {
 public:
  void add(const Found& found) {
    const Evaluation& e = found.evaluation;
    auto at = front_.upper_bound(e.step_ps);
    if (at != front_.begin()) {
      const Found& faster = std::prev(at)->second;
      const bool equal = faster.evaluation.step_ps == e.step_ps &&
                         faster.evaluation.memory_bytes == e.memory_bytes;
      if (faster.evaluation.memory_bytes <= e.memory_bytes &&
          !(equal && found.strategy.id < faster.strategy.id)) {
        return;
      }
    }
    at = front_.lower_bound(e.step_ps);
    while (at != front_.end() && at->second.evaluation.memory_bytes >= e.memory_bytes) {
      at = front_.erase(at);
    }
    front_.insert_or_assign(e.step_ps, found);
  }

  // What takes longer than this and at least this much memory is beaten by a member.
  std::int64_t deadline_ps(double memory_bytes) const {
    for (const auto& [step, found] : front_) {
      if (static_cast<double>(found.evaluation.memory_bytes) <= memory_bytes) return step;
    }
    return INT64_MAX;
  }

  // Whether a member is at least as good in both.
  bool dominates(double time_ps, double memory_bytes) const {
    if (front_.empty()) return false;
    auto at = front_.upper_bound(static_cast<std::int64_t>(time_ps));
    if (at == front_.begin()) return false;
    return static_cast<double>(std::prev(at)->second.evaluation.memory_bytes) <= memory_bytes;
  }

  // Those that take no longer than `slowest_ps`.
  std::vector<Found> take(double slowest_ps) {
    std::vector<Found> out;
    for (auto& [time, found] : front_) {
      if (static_cast<double>(time) <= slowest_ps) out.push_back(std::move(found));
    }
    return out;
  }

 private:
  std::map<std::int64_t, Found> front_;  // by step time; memory falls along it
};

}  // namespace studies
