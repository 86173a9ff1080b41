// The checker: runs a schedule on dependencies alone, without times.
#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <tuple>

#include <fmt/format.h>

#include "strategies/schedule.hpp"

namespace strategies {
namespace {

using Key = std::tuple<PassKind, std::int64_t, std::int32_t>;  // kind, piece, micro-batch

std::string_view word(PassKind kind) {
  constexpr std::array<std::string_view, 4> words{"forward", "backward", "input gradient",
                                                  "weight gradient"};
  return words[static_cast<std::size_t>(kind)];
}

class Checker {
 public:
  explicit Checker(const PipelineSchedule& schedule) : schedule_(schedule) {
    for (std::size_t s = 0; s < schedule.stages.size(); ++s) {
      for (const PassSlot& slot : schedule.stages[s]) {
        if (!done_.emplace(key(s, slot), false).second && !twice_) twice_ = place(s, slot);
      }
    }
  }

  // Of the problem that run() found.
  SlotPlace at() const { return at_; }

  std::string run() {
    std::string problem = check_places();
    if (problem.empty()) problem = check_complete();
    if (problem.empty()) problem = check_pairs();
    if (problem.empty()) problem = check_order();
    return problem;
  }

 private:
  Key key(std::size_t stage, const PassSlot& slot) const {
    return {slot.kind, schedule_.piece_of(static_cast<std::int64_t>(stage), slot.chunk),
            slot.micro_batch};
  }

  SlotPlace place(std::size_t stage, const PassSlot& slot) const {
    return {stage, static_cast<std::size_t>(&slot - schedule_.stages[stage].data())};
  }

  // A pass of a micro-batch through a piece; the first of all where there is none.
  SlotPlace place_of(std::int64_t piece, std::int32_t micro_batch) const {
    for (std::size_t s = 0; s < schedule_.stages.size(); ++s) {
      for (const PassSlot& slot : schedule_.stages[s]) {
        const Key each = key(s, slot);
        if (std::get<1>(each) == piece && std::get<2>(each) == micro_batch) return place(s, slot);
      }
    }
    const auto some = std::find_if(schedule_.stages.begin(), schedule_.stages.end(),
                                   [](const auto& stage) { return !stage.empty(); });
    return {static_cast<std::size_t>(some - schedule_.stages.begin()), 0};
  }

  // Chunks and micro-batches that exist; in a bidirectional schedule, in their own direction.
  std::string check_places() {
    const std::int64_t half = schedule_.shape.micro_batches / 2;
    for (std::size_t s = 0; s < schedule_.stages.size(); ++s) {
      for (const PassSlot& slot : schedule_.stages[s]) {
        const bool exists = slot.chunk >= 0 && slot.chunk < schedule_.chunks_of_stage() &&
                            slot.micro_batch >= 0 &&
                            slot.micro_batch < schedule_.shape.micro_batches;
        const bool astray = schedule_.placement == Placement::bidirectional &&
                            (slot.micro_batch >= half) != (slot.chunk == 1);
        if (exists && !astray) continue;
        at_ = place(s, slot);
        return fmt::format("stage {} runs a {} of chunk {}, micro-batch {}, which {}", s,
                           word(slot.kind), slot.chunk, slot.micro_batch,
                           exists ? "goes the other way" : "does not exist");
      }
    }
    return {};
  }

  // Every piece and micro-batch is passed through exactly once in each direction.
  std::string check_complete() {
    if (twice_) {
      at_ = *twice_;
      return "a pass stands in the schedule twice";
    }
    for (std::int64_t piece = 0; piece < schedule_.pieces(); ++piece) {
      for (std::int32_t m = 0; m < schedule_.shape.micro_batches; ++m) {
        const bool whole = done_.contains({PassKind::backward, piece, m});
        const bool input = done_.contains({PassKind::backward_input, piece, m});
        const bool weight = done_.contains({PassKind::backward_weight, piece, m});
        if (!done_.contains({PassKind::forward, piece, m}) || whole == input || input != weight) {
          at_ = place_of(piece, m);
          return fmt::format("micro-batch {} of model piece {} lacks a pass, or has one too many",
                             m, piece);
        }
      }
    }
    return {};
  }

  static bool is_other(const PassSlot& a, const PassSlot& b) {
    return a.chunk != b.chunk || a.micro_batch != b.micro_batch;
  }

  // Only a forward and the whole backward of another micro-batch or chunk can run side by side.
  std::string check_pairs() {
    for (std::size_t s = 0; s < schedule_.stages.size(); ++s) {
      const auto& order = schedule_.stages[s];
      for (std::size_t i = 0; i < order.size(); ++i) {
        if (!order[i].with_next) continue;
        const bool fits = i + 1 < order.size() && order[i].kind == PassKind::forward &&
                          order[i + 1].kind == PassKind::backward &&
                          is_other(order[i], order[i + 1]) && !order[i + 1].with_next;
        if (!fits) {
          at_ = {s, i};
          return fmt::format(
              "stage {} runs the {} of chunk {}, micro-batch {} beside a pass that "
              "is no backward of another chunk or micro-batch",
              s, word(order[i].kind), order[i].chunk, order[i].micro_batch);
        }
      }
    }
    return {};
  }

  bool finished(const Key& key) const {
    const auto found = done_.find(key);
    return found != done_.end() && found->second;
  }

  // Whether all that a pass needs, beyond the stage's own order, has finished.
  bool ready(const Key& pass) const {
    const auto& [kind, piece, m] = pass;
    if (kind == PassKind::forward) {
      return piece == 0 || finished({PassKind::forward, piece - 1, m});
    }
    if (kind == PassKind::backward_weight) return finished({PassKind::backward_input, piece, m});
    return finished({PassKind::forward, piece, m}) &&
           (piece + 1 == schedule_.pieces() || finished({PassKind::backward, piece + 1, m}) ||
            finished({PassKind::backward_input, piece + 1, m}));
  }

  // Runs the next slot of a stage, or pair of slots; false when it has to wait.
  bool advance(std::size_t stage, std::size_t& next) {
    const auto& order = schedule_.stages[stage];
    if (next == order.size()) return false;
    const std::size_t count = order[next].with_next ? 2 : 1;
    for (std::size_t i = 0; i < count; ++i) {
      if (!ready(key(stage, order[next + i]))) return false;
    }
    for (std::size_t i = 0; i < count; ++i) done_[key(stage, order[next + i])] = true;
    next += count;
    return true;
  }

  std::string check_order() {
    std::vector<std::size_t> next(schedule_.stages.size(), 0);
    for (bool progress = true; progress;) {
      progress = false;
      for (std::size_t s = 0; s < next.size(); ++s) {
        while (advance(s, next[s])) progress = true;
      }
    }
    for (std::size_t s = 0; s < next.size(); ++s) {
      if (next[s] == schedule_.stages[s].size()) continue;
      const PassSlot& slot = schedule_.stages[s][next[s]];
      at_ = {s, next[s]};
      return fmt::format("stage {} waits for ever at the {} of chunk {}, micro-batch {}", s,
                         word(slot.kind), slot.chunk, slot.micro_batch);
    }
    return {};
  }

  const PipelineSchedule& schedule_;
  std::map<Key, bool> done_;        // false until the pass has run
  std::optional<SlotPlace> twice_;  // of the first pass that was there before
  SlotPlace at_;
};

}  // namespace

std::string check_schedule(const PipelineSchedule& schedule, SlotPlace* at) {
  Checker checker(schedule);
  std::string problem = checker.run();
  if (at != nullptr) *at = checker.at();
  return problem;
}

std::int64_t peak_in_flight(const PipelineSchedule& schedule, std::int64_t stage) {
  std::int64_t live = 0;
  std::int64_t peak = 0;
  for (const PassSlot& slot : schedule.stages[static_cast<std::size_t>(stage)]) {
    if (slot.kind == PassKind::forward) peak = std::max(peak, ++live);
    if (slot.kind == PassKind::backward || slot.kind == PassKind::backward_weight) --live;
  }
  return peak;
}

}  // namespace strategies
