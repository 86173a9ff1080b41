#include "studies/search.hpp"

#include <algorithm>

#include "scenarios/reader.hpp"
#include "studies/search_bounds.hpp"
#include "studies/search_evaluate.hpp"
#include "studies/search_front.hpp"
#include "studies/search_queue.hpp"

namespace studies {
namespace {

using scenarios::Scenario;

constexpr std::size_t kSharpenRound = 256;

class Search {
 public:
  Search(const SearchSpace& space, const SearchOptions& options, Evaluator& evaluator,
         scenarios::PredictionCache& cache)
      : space_(space),
        options_(options),
        evaluator_(evaluator),
        cache_(cache),
        threads_(thread_count(options.threads)),
        limit_(memory_limit(space.base())),
        best_(options.top) {
    for (unsigned t = 0; t < threads_; ++t) {
      bounds_.push_back(std::make_unique<SearchBounds>(space, cache.machine()));
      scratch_.push_back(space.base());
    }
  }

  SearchResult run() {
    bound_cores();
    std::vector<Item> round;
    while (take(round)) {
      if (keep_sharp(round)) {
        evaluate(round);
      } else {
        sharpen(round);
      }
      if (options_.on_round && !options_.on_round(result_.counts.evaluated, queue_.size())) {
        result_.complete = queue_.empty();
        break;
      }
    }
    result_.best = best_.take();
    result_.pareto = front_.take();
    result_.pareto_exact = front_kind_ == Front::exact && result_.complete;
    if (result_.counts.feasible > 0) result_.counts.best_miss_bytes = 0;
    return std::move(result_);
  }

 private:
  double key(const SearchBound& bound) const {
    return objective_of(options_.objective, bound.time_ps, bound.memory_bytes);
  }

  void hold(Scenario& scenario, std::uint32_t core) const { space_.apply(cores_[core], scenario); }

  // Contiguous blocks: neighbours share units.
  void bound_cores() {
    SearchSpace::Cores all = space_.cores();
    cores_ = std::move(all.list);
    result_.counts.impossible = all.impossible;
    constexpr std::size_t kBlock = 256;
    std::vector<SearchBound> bounds(cores_.size());
    variants_of_.resize(cores_.size());
    parallel_for(
        (cores_.size() + kBlock - 1) / kBlock, threads_, [&](std::size_t t, std::size_t b) {
          for (std::size_t c = b * kBlock; c < std::min(cores_.size(), (b + 1) * kBlock); ++c) {
            hold(scratch_[t], static_cast<std::uint32_t>(c));
            bounds[c] = bounds_[t]->core(cores_[c], scratch_[t]);
            variants_of_[c] = static_cast<std::uint32_t>(space_.variants(scratch_[t]).size());
          }
        });
    for (std::uint32_t c = 0; c < cores_.size(); ++c) {
      result_.counts.candidates += variants_of_[c];
      push({key(bounds[c]), bounds[c], {c, 0}, Level::core});
    }
    if (result_.counts.candidates > kMostCandidates || cores_.size() > kMostCores) refuse();
    const bool small = result_.counts.candidates <= options_.small_space;
    front_kind_ = options_.front.value_or(small ? Front::exact : Front::evaluated);
  }

  [[noreturn]] void refuse() const {
    throw scenarios::ScenarioError(
        scenarios::ErrorKind::limit,
        {scenarios::Diagnostic{
            space_.base().name, 0, 0, "search.ranges",
            "more than 100,000,000 strategies to choose from, or 2,000,000 ways through the model",
            "fix some of them, or give shorter ranges", ""}});
  }

  std::uint64_t size_of(const Item& item) const {
    return item.level <= Level::chain ? variants_of_[item.id.core] : 1;
  }

  void push(const Item& item) {
    if (item.bound.memory_bytes > limit_) {
      result_.counts.rejected_by_memory += size_of(item);
      miss(item.bound.memory_bytes);
    } else {
      queue_.push(item);
    }
  }

  void miss(double memory) {
    const auto over = static_cast<std::int64_t>(memory - limit_) + 1;
    std::int64_t& least = result_.counts.best_miss_bytes;
    least = least == 0 ? over : std::min(least, over);
  }

  bool hopeless(const Item& item) const {
    if (!best_.may_take(item.key)) {
      return front_kind_ == Front::evaluated ||
             front_.dominates(item.bound.time_ps, item.bound.memory_bytes);
    }
    return false;
  }

  // The foremost items that still matter; false when none are left.
  bool take(std::vector<Item>& round) {
    round.clear();
    while (!queue_.empty() && round.size() < kSharpenRound) {
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

  void sharpen(const std::vector<Item>& round) {
    std::vector<std::vector<Item>> sharper(round.size());
    parallel_for(round.size(), threads_, [&](std::size_t t, std::size_t i) {
      sharper[i] = sharpened(round[i], *bounds_[t], scratch_[t]);
    });
    for (const auto& list : sharper) {
      for (const Item& item : list) push(item);
    }
  }

  std::vector<Item> sharpened(const Item& item, SearchBounds& bounds, Scenario& scenario) const {
    if (item.level == kSharpest) return {item};
    const SearchCore& core = cores_[item.id.core];
    hold(scenario, item.id.core);
    Item sharp = item;
    if (item.level == Level::core) {
      sharp.level = Level::chain;
      sharp.bound.time_ps = std::max(item.bound.time_ps, bounds.chain_time(core, scenario));
      sharp.key = key(sharp.bound);
      return {sharp};
    }
    const std::vector<SearchVariant> variants = space_.variants(scenario);
    if (item.level == Level::variant) {
      space_.apply(variants[item.id.variant], scenario);
      sharp.level = Level::shared;
      if (bounds.memory_is_sharper(core, scenario)) {
        sharp.bound.memory_bytes = std::max(item.bound.memory_bytes, bounds.memory(core, scenario));
      }
      if (sharp.bound.memory_bytes > limit_) return {sharp};
      strategies::Plan plan = scenario.plan;  // as the simulation has it
      if (plan.zero == 0) plan.shard_group = plan.dp * plan.cp;
      const auto fleet = cache_.fleet(scenario, plan, true);
      sharp.bound.time_ps =
          std::max(item.bound.time_ps, bounds.shared_time(core, scenario, *fleet));
      sharp.key = key(sharp.bound);
      return {sharp};
    }
    std::vector<Item> out;
    for (std::uint32_t v = 0; v < variants.size(); ++v) {
      space_.apply(variants[v], scenario);
      SearchBound bound = item.bound;
      bound.memory_bytes = std::max(bound.memory_bytes, bounds.variant_memory(core, scenario));
      if (bound.memory_bytes <= limit_) {
        bound.time_ps = std::max(bound.time_ps, bounds.pipeline_time(core, scenario));
      }
      out.push_back({key(bound), bound, {item.id.core, v}, Level::variant});
    }
    return out;
  }

  CandidateStrategy strategy_of(Candidate id, Scenario& scenario) const {
    hold(scenario, id.core);
    return {id, cores_[id.core], space_.variants(scenario)[id.variant]};
  }

  // Leaves out of a round, where only the best counts, those that keep in host memory what would
  // have room. One byte for each that is left: whether it does.
  std::vector<char> find_needless(std::vector<Item>& round) {
    std::vector<char> needless(round.size(), 0);
    if (options_.objective == Objective::memory) return needless;
    parallel_for(round.size(), threads_, [&](std::size_t t, std::size_t i) {
      needless[i] = offloads_needlessly(space_, strategy_of(round[i].id, scratch_[t]), scratch_[t]);
    });
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

  void evaluate(std::vector<Item>& round) {
    const std::vector<char> needless = find_needless(round);
    std::vector<CandidateStrategy> all;
    std::vector<CandidateStrategy> fresh;
    std::vector<Evaluation> results(round.size());
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < round.size(); ++i) {
      all.push_back(strategy_of(round[i].id, scratch_.front()));
      const auto known = options_.store ? options_.store->known(round[i].id) : std::nullopt;
      if (known) {
        results[i] = *known;
      } else {
        fresh.push_back(all.back());
        places.push_back(i);
      }
    }
    const std::vector<Evaluation> done = evaluator_.evaluate(fresh);
    std::vector<Candidate> ids;
    for (std::size_t f = 0; f < fresh.size(); ++f) {
      results[places[f]] = done[f];
      ids.push_back(fresh[f].id);
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
    const Found found{strategy, evaluation};
    front_.add(found);
    if (only_front) return;
    best_.add(objective_of(options_.objective, static_cast<double>(evaluation.step_ps),
                           static_cast<double>(evaluation.memory_bytes)),
              found);
  }

  const SearchSpace& space_;
  const SearchOptions& options_;
  Evaluator& evaluator_;
  scenarios::PredictionCache& cache_;
  unsigned threads_;
  double limit_;
  Front front_kind_ = Front::exact;
  std::vector<std::unique_ptr<SearchBounds>> bounds_;  // one a thread
  std::vector<Scenario> scratch_;                      // one a thread
  std::vector<SearchCore> cores_;
  std::vector<std::uint32_t> variants_of_;
  SearchQueue queue_;
  BestList best_;
  ParetoFront front_;
  SearchResult result_;
};

}  // namespace

SearchResult search(const SearchSpace& space, const SearchOptions& options, Evaluator& evaluator,
                    scenarios::PredictionCache& cache) {
  return Search(space, options, evaluator, cache).run();
}

}  // namespace studies
