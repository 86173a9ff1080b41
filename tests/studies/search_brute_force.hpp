// Brute force beside a search: a plain loop over every strategy, without bounds.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "search_problems.hpp"
#include "studies/search_bounds.hpp"
#include "studies/search_evaluate.hpp"
#include "studies/search_front.hpp"
#include "studies/search_team.hpp"
#include "studies/workers.hpp"

namespace brute_force {

using namespace studies;

struct Problem {
  explicit Problem(const std::string& text)
      : scenario(search_problems::read(text)),
        space(scenario),
        cache(space.base(), space.host_links()),
        all(search_problems::all_of(space)) {}

  SearchResult find(const SearchOptions& options) {
    ThreadTeam team(space, cache, options.threads);
    return search(space, options, team);
  }

  scenarios::Scenario scenario;
  SearchSpace space;
  scenarios::PredictionCache cache;
  std::vector<CandidateStrategy> all;
};

inline bool before(Objective objective, const Found& a, const Found& b) {
  const auto key = [&](const Found& f) {
    const Evaluation& e = f.evaluation;
    return std::tuple(objective == Objective::memory ? e.memory_bytes : e.step_ps, e.step_ps,
                      e.memory_bytes, f.strategy.id);
  };
  return key(a) < key(b);
}

// Nothing is faster and not larger, or smaller and not slower.
inline std::vector<Found> front_of(const std::vector<Found>& all) {
  std::vector<Found> out;
  for (const Found& a : all) {
    const bool beaten = std::any_of(all.begin(), all.end(), [&](const Found& b) {
      const Evaluation& x = a.evaluation;
      const Evaluation& y = b.evaluation;
      const bool equal = x.step_ps == y.step_ps && x.memory_bytes == y.memory_bytes;
      if (equal) return b.strategy.id < a.strategy.id;
      return y.step_ps <= x.step_ps && y.memory_bytes <= x.memory_bytes;
    });
    if (!beaten) out.push_back(a);
  }
  std::sort(out.begin(), out.end(), [](const Found& a, const Found& b) {
    return a.evaluation.step_ps < b.evaluation.step_ps;
  });
  return out;
}

inline void check_same(const std::vector<Found>& got, const std::vector<Found>& wanted) {
  REQUIRE(got.size() == wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    INFO("place " << i);
    CHECK(got[i].strategy.id == wanted[i].strategy.id);
    CHECK(got[i].evaluation == wanted[i].evaluation);
  }
}

// Every bound of a candidate against its simulation, which is run whether it fits or not.
// `scenario`, of the space, lives as long as the bounds; it holds the strategy afterwards.
inline void check_bounds(Problem& problem, scenarios::Scenario& scenario, SearchBounds& bounds,
                         const CandidateStrategy& strategy, const Evaluation& truth) {
  problem.space.apply(strategy.core, scenario);
  const SearchBound core = bounds.core(strategy.core, scenario);
  const double chain = bounds.chain_time(strategy.core, scenario);
  problem.space.apply(strategy.variant, scenario);
  INFO(scenarios::to_yaml(materialise(problem.space, strategy)));
  const auto memory = static_cast<double>(truth.memory_bytes);
  CHECK(core.memory_bytes <= memory);
  CHECK(bounds.variant_memory(strategy.core, scenario) <= memory);
  if (bounds.memory_is_sharper(strategy.core, scenario)) {
    CHECK(bounds.memory(strategy.core, scenario) <= memory);
  }
  if (!truth.fits) return;
  const auto time = static_cast<double>(truth.step_ps);
  CHECK(core.time_ps <= time);
  CHECK(chain <= time);
  CHECK(bounds.pipeline_time(strategy.core, scenario) <= time);
  strategies::Plan plan = scenario.plan;
  if (plan.zero == 0) plan.shard_group = plan.dp * plan.cp;
  const auto fleet = problem.cache.fleet(scenario, plan, true);
  CHECK(bounds.shared_time(strategy.core, scenario, *fleet) <= time);
}

inline std::vector<Found> every_fitting(Problem& problem) {
  std::vector<Evaluation> results(problem.all.size());
  parallel_for(problem.all.size(), thread_count(0), [&](std::size_t, std::size_t i) {
    results[i] = evaluate(problem.space, {problem.all[i]}, problem.cache);
  });
  scenarios::Scenario scenario = problem.space.base();
  SearchBounds bounds(problem.space, problem.cache.machine());
  std::vector<Found> fitting;
  for (std::size_t i = 0; i < results.size(); ++i) {
    check_bounds(problem, scenario, bounds, problem.all[i], results[i]);
    if (results[i].fits) fitting.push_back({problem.all[i], results[i]});
  }
  return fitting;
}

// Fastest first, as a search lists them: without those that offload what would have room.
inline std::vector<Found> ranked(const Problem& problem, const std::vector<Found>& fitting,
                                 Objective objective) {
  std::vector<Found> best;
  scenarios::Scenario scratch = problem.space.base();
  for (const Found& each : fitting) {
    if (objective == Objective::memory ||
        !offloads_needlessly(problem.space, each.strategy, scratch)) {
      best.push_back(each);
    }
  }
  std::sort(best.begin(), best.end(),
            [&](const Found& a, const Found& b) { return before(objective, a, b); });
  return best;
}

// A front of what is not much slower than the best is that part of the whole front.
inline void compare_within(Problem& problem, const std::vector<Found>& fitting,
                           const std::vector<Found>& best) {
  for (const double within : {1.0, 1.03, 1.3}) {
    INFO("within " << within);
    SearchOptions options;
    options.top = 3;
    options.front_within = within;
    const SearchResult result = problem.find(options);
    std::vector<Found> wanted = front_of(fitting);
    const double slowest = static_cast<double>(best.front().evaluation.step_ps) * within;
    std::erase_if(wanted, [&](const Found& each) {
      return static_cast<double>(each.evaluation.step_ps) > slowest;
    });
    check_same(result.pareto, wanted);
    CHECK(result.pareto_exact);
    check_same(result.best,
               {best.begin(), best.begin() + std::min<std::ptrdiff_t>(
                                                 3, static_cast<std::ptrdiff_t>(best.size()))});
  }
}

inline void compare(Problem& problem) {
  const std::vector<Found> fitting = every_fitting(problem);
  compare_within(problem, fitting, ranked(problem, fitting, Objective::step_time));
  for (const Objective objective : {Objective::step_time, Objective::memory}) {
    SearchOptions options;
    options.objective = objective;
    options.top = 7;
    const SearchResult result = problem.find(options);
    std::vector<Found> best = ranked(problem, fitting, objective);
    for (const Found& each : fitting) CHECK(!before(objective, each, best.front()));
    best.resize(std::min<std::size_t>(best.size(), options.top));
    check_same(result.best, best);
    check_same(result.pareto, front_of(fitting));
    CHECK(result.counts.candidates == problem.all.size());
    CHECK(result.counts.pruned + result.counts.rejected_by_memory + result.counts.feasible ==
          result.counts.candidates);
  }
}

}  // namespace brute_force
