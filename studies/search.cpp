#include "studies/search.hpp"

#include <algorithm>
#include <cmath>

#include "scenarios/reader.hpp"
#include "studies/search_evaluate.hpp"
#include "studies/search_front.hpp"
#include "studies/search_queue.hpp"
#include "studies/search_team.hpp"

namespace studies {
namespace {

constexpr std::size_t kSharpenRound = 256;
constexpr std::size_t kCoresAtOnce = 262'144;  // one to three seconds, before a stop is heeded

class Search {
 public:
  Search(const SearchSpace& space, const SearchOptions& options, SearchTeam& team)
      : options_(options),
        team_(team),
        work_(team.own()),
        limit_(memory_limit(space.base())),
        best_(options.top) {}

  SearchResult run() {
    result_.complete = bound_cores();
    std::vector<Item> round;
    while (result_.complete && take(round)) {
      if (keep_sharp(round)) {
        evaluate(round);
      } else {
        sharpen(round);
      }
      if (!goes_on()) result_.complete = queue_.empty();
    }
    result_.pareto = front_.take(slowest_ps());
    result_.best = best_.take();
    result_.pareto_exact = front_kind_ == Front::exact && result_.complete;
    if (result_.counts.feasible > 0) result_.counts.best_miss_bytes = 0;
    return std::move(result_);
  }

 private:
  double key(const SearchBound& bound) const {
    return objective_of(options_.objective, bound.time_ps, bound.memory_bytes);
  }

  // False when it is to end.
  bool bound_cores() {
    if (!goes_on()) return false;  // and there may be more cores than are listed
    result_.counts.refused = work_.cores().refused;
    const std::size_t count = work_.cores().list.size();
    for (std::size_t begin = 0; begin < count; begin += kCoresAtOnce) {
      const std::vector<CoreBound> bounds =
          team_.bound_cores(begin, std::min(count, begin + kCoresAtOnce));
      for (std::size_t i = 0; i < bounds.size(); ++i) {
        variants_of_.push_back(bounds[i].variants);
        result_.counts.candidates += bounds[i].variants;
        push({0.0, bounds[i].bound, {static_cast<std::uint32_t>(begin + i), 0}, Level::core});
      }
      if (!goes_on()) return false;
    }
    const bool small = result_.counts.candidates <= options_.small_space;
    front_kind_ = options_.front.value_or(small ? Front::exact : Front::evaluated);
    return true;
  }

  bool goes_on() const {
    return !options_.on_round || options_.on_round(result_.counts.evaluated, queue_.size());
  }

  std::uint64_t size_of(const Item& item) const {
    return item.level <= Level::chain ? variants_of_[item.id.core] : 1;
  }

  void push(Item item) {
    item.key = key(item.bound);
    if (item.bound.memory_bytes > limit_) {
      result_.counts.rejected_by_memory += size_of(item);
      miss(item.bound.memory_bytes);
    } else if (hopeless(item)) {
      result_.counts.pruned += size_of(item);
    } else {
      queue_.push(item);
    }
  }

  void miss(double memory) {
    const auto over = static_cast<std::int64_t>(memory - limit_) + 1;
    std::int64_t& least = result_.counts.best_miss_bytes;
    least = least == 0 ? over : std::min(least, over);
  }

  // What takes longer is not on the front that is asked for. Falls as better ones are found.
  double slowest_ps() const {
    const std::optional<double> best = best_.first();
    if (!best || std::isinf(options_.front_within)) return kNeverEnough;
    return *best * options_.front_within;
  }

  // Once true of an item it stays true, and holds of all items behind it in the queue.
  bool is_too_slow(const Item& item) const {
    return !best_.may_take(item.key) &&
           (front_kind_ != Front::exact || item.bound.time_ps > slowest_ps());
  }
  // Then it stays so.
  bool hopeless(const Item& item) const {
    if (best_.may_take(item.key)) return false;
    return is_too_slow(item) || front_.dominates(item.bound.time_ps, item.bound.memory_bytes);
  }

  // The time from which hopeless() holds of every item.
  double hopeless_from() const {
    if (options_.objective == Objective::memory) return kNeverEnough;
    const double last = best_.last().value_or(kNeverEnough);
    return front_kind_ == Front::exact ? std::max(last, slowest_ps()) : last;
  }

  // The foremost items that still matter; false when none are left.
  bool take(std::vector<Item>& round) {
    round.clear();
    while (!queue_.empty() && round.size() < kSharpenRound) {
      if (is_too_slow(queue_.top())) {  // and so are all behind
        for (const Item& item : queue_.take_all()) result_.counts.pruned += size_of(item);
        break;
      }
      const Item item = queue_.top();
      queue_.pop();
      if (hopeless(item)) {
        result_.counts.pruned += size_of(item);
      } else {
        round.push_back(item);
      }
    }
    return !round.empty();
  }

  // Whether the foremost of a round can be simulated; then these are left in it.
  bool keep_sharp(std::vector<Item>& round) {
    const auto end = std::find_if(round.begin(), round.end(),
                                  [](const Item& i) { return i.level != kSharpest; });
    const auto sharp = static_cast<std::size_t>(end - round.begin());
    if (sharp < std::min(kRound, round.size())) return false;
    for (std::size_t i = kRound; i < round.size(); ++i) queue_.push(round[i]);
    round.resize(std::min(kRound, round.size()));
    return true;
  }

  void sharpen(std::vector<Item>& round) {
    const double enough = hopeless_from();
    for (Item& item : round) item.enough_ps = enough;
    for (const Item& item : team_.sharpen(round)) push(item);
  }

  // Leaves out of a round, where only the best counts, those that keep in host memory what would
  // have room. One byte for each that is left: whether it does.
  std::vector<char> find_needless(std::vector<Item>& round) {
    if (options_.objective == Objective::memory) return std::vector<char>(round.size(), 0);
    std::vector<Candidate> candidates;
    for (const Item& item : round) candidates.push_back(item.id);
    const std::vector<char> needless = team_.needless(candidates);
    if (front_kind_ == Front::exact) return needless;
    result_.counts.pruned +=
        static_cast<std::uint64_t>(std::count(needless.begin(), needless.end(), 1));
    std::size_t left = 0;
    for (std::size_t i = 0; i < round.size(); ++i) {
      if (needless[i] == 0) round[left++] = round[i];
    }
    round.resize(left);
    return std::vector<char>(left, 0);
  }

  // What takes longer is neither among the best nor on the front.
  std::int64_t deadline_of(const Item& item) const {
    if (options_.objective == Objective::memory) return INT64_MAX;
    const std::optional<double> last = best_.last();
    if (!last) return INT64_MAX;
    const auto of_best = static_cast<std::int64_t>(*last);
    if (front_kind_ == Front::none) return of_best;
    std::int64_t of_front = front_.deadline_ps(item.bound.memory_bytes);
    const double slowest = slowest_ps();
    if (slowest < static_cast<double>(of_front)) of_front = static_cast<std::int64_t>(slowest);
    return std::max(of_best, of_front);
  }

  void evaluate(std::vector<Item>& round) {
    const std::vector<char> needless = find_needless(round);
    std::vector<CandidateStrategy> all;
    std::vector<EvaluationTask> fresh;
    std::vector<Evaluation> results(round.size());
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < round.size(); ++i) {
      all.push_back(work_.strategy_of(0, round[i].id));
      const std::int64_t deadline = deadline_of(round[i]);
      const auto known = options_.store ? options_.store->known(round[i].id) : std::nullopt;
      // Of a search with another deadline only what says enough for this one.
      if (known && (!known->late || known->step_ps >= deadline)) {
        results[i] = *known;
      } else {
        fresh.push_back({all.back(), deadline});
        places.push_back(i);
      }
    }
    const std::vector<Evaluation> done = team_.evaluate(fresh);
    std::vector<Candidate> ids;
    for (std::size_t f = 0; f < fresh.size(); ++f) {
      results[places[f]] = done[f];
      ids.push_back(fresh[f].strategy.id);
    }
    if (options_.store && !ids.empty()) options_.store->keep(ids, done);
    for (std::size_t i = 0; i < round.size(); ++i) settle(all[i], results[i], needless[i] != 0);
  }

  void settle(const CandidateStrategy& strategy, const Evaluation& evaluation, bool only_front) {
    ++result_.counts.evaluated;
    if (!evaluation.fits) {
      ++result_.counts.rejected_by_memory;
      miss(static_cast<double>(evaluation.memory_bytes));
      return;
    }
    ++result_.counts.feasible;
    if (evaluation.late) return;
    const Found found{strategy, evaluation};
    if (front_kind_ != Front::none) front_.add(found);
    if (only_front) return;
    best_.add(objective_of(options_.objective, static_cast<double>(evaluation.step_ps),
                           static_cast<double>(evaluation.memory_bytes)),
              found);
  }

  const SearchOptions& options_;
  SearchTeam& team_;
  SearchWork& work_;
  double limit_;
  Front front_kind_ = Front::exact;
  std::vector<std::uint32_t> variants_of_;
  SearchQueue queue_;
  BestList best_;
  ParetoFront front_;
  SearchResult result_;
};

}  // namespace

SearchResult search(const SearchSpace& space, const SearchOptions& options, SearchTeam& team) {
  if (options.objective == Objective::tokens_per_s) require_same_tokens(space, "tokens_per_s");
  if (options.objective == Objective::cost) require_same_tokens(space, "cost");
  return Search(space, options, team).run();
}

}  // namespace studies
