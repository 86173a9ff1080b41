// The search against brute force: a plain loop over every strategy, without bounds.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>

#include "search_problems.hpp"
#include "studies/search_bounds.hpp"
#include "studies/search_evaluate.hpp"
#include "studies/search_front.hpp"
#include "studies/search_team.hpp"

using namespace studies;
using search_problems::random_problem;

namespace {

constexpr std::size_t kLargest = 900;  // of a random problem

struct Problem {
  explicit Problem(const std::string& text)
      : scenario(search_problems::read(text)), space(scenario), cache(space.base()) {
    scenarios::Scenario scratch = space.base();
    const auto cores = space.cores().list;
    for (std::uint32_t c = 0; c < cores.size(); ++c) {
      space.apply(cores[c], scratch);
      const auto variants = space.variants(scratch);
      for (std::uint32_t v = 0; v < variants.size(); ++v) {
        all.push_back({{c, v}, cores[c], variants[v]});
      }
    }
  }

  SearchResult find(const SearchOptions& options) {
    ThreadTeam team(space, cache, options.threads);
    return search(space, options, team);
  }

  scenarios::Scenario scenario;
  SearchSpace space;
  scenarios::PredictionCache cache;
  std::vector<CandidateStrategy> all;
};

bool before(Objective objective, const Found& a, const Found& b) {
  const auto key = [&](const Found& f) {
    const Evaluation& e = f.evaluation;
    return std::tuple(objective == Objective::memory ? e.memory_bytes : e.step_ps, e.step_ps,
                      e.memory_bytes, f.strategy.id);
  };
  return key(a) < key(b);
}

// Nothing is faster and not larger, or smaller and not slower.
std::vector<Found> front_of(const std::vector<Found>& all) {
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

void check_same(const std::vector<Found>& got, const std::vector<Found>& wanted) {
  REQUIRE(got.size() == wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    INFO("place " << i);
    CHECK(got[i].strategy.id == wanted[i].strategy.id);
    CHECK(got[i].evaluation == wanted[i].evaluation);
  }
}

// Every bound of a candidate against its simulation, which is run whether it fits or not.
void check_bounds(Problem& problem, SearchBounds& bounds, const CandidateStrategy& strategy,
                  const Evaluation& truth) {
  scenarios::Scenario scenario = problem.space.base();
  problem.space.apply(strategy.core, scenario);
  const SearchBound core = bounds.core(strategy.core, scenario);
  const double chain = bounds.chain_time(strategy.core, scenario);
  problem.space.apply(strategy.variant, scenario);
  INFO(scenarios::to_yaml(materialise(problem.space, strategy)));
  const auto memory = static_cast<double>(truth.memory_bytes);
  CHECK(core.memory_bytes <= memory);
  CHECK(bounds.variant_memory(strategy.core, scenario) <= memory);
  CHECK(bounds.memory(strategy.core, scenario) <= memory);
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

std::vector<Found> brute_force(Problem& problem) {
  std::vector<Evaluation> results(problem.all.size());
  parallel_for(problem.all.size(), thread_count(0), [&](std::size_t, std::size_t i) {
    results[i] = evaluate(problem.space, {problem.all[i]}, problem.cache);
  });
  SearchBounds bounds(problem.space, problem.cache.machine());
  std::vector<Found> fitting;
  for (std::size_t i = 0; i < results.size(); ++i) {
    check_bounds(problem, bounds, problem.all[i], results[i]);
    if (results[i].fits) fitting.push_back({problem.all[i], results[i]});
  }
  return fitting;
}

// Fastest first, as a search lists them: without those that offload what would have room.
std::vector<Found> ranked(const Problem& problem, const std::vector<Found>& fitting,
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

void compare(Problem& problem) {
  const std::vector<Found> fitting = brute_force(problem);
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

void compare_random(std::uint64_t first_seed, int problems) {
  int compared = 0;
  for (std::uint64_t seed = first_seed; compared < problems; ++seed) {
    Problem problem(random_problem(seed));
    if (problem.all.size() < 2 || problem.all.size() > kLargest) continue;
    INFO(random_problem(seed));
    compare(problem);
    ++compared;
  }
}

}  // namespace

TEST_CASE("search finds what brute force finds, on random problems") { compare_random(1, 24); }

TEST_CASE("an evaluation does not depend on what was evaluated before") {
  Problem problem(
      "name: mixed\n"
      "model: {layers: 4, hidden: 512, heads: 8, kv_heads: 8, ffn: 1024, vocab: 8192}\n"
      "cluster: {preset: dgx-a100, gpus: 4}\n"
      "training: {seq_len: 512, global_batch: 16}\n"
      "search:\n"
      "  fixed: {cp: 1, tp: 1, micro_batch: 1, recompute: none, overlap.p2p: true}\n"
      "  ranges: {pp: [2], zero: [0, 1]}\n");
  REQUIRE(problem.all.size() > 50);
  for (const CandidateStrategy& strategy : problem.all) {
    scenarios::PredictionCache fresh(problem.space.base());
    CHECK(evaluate(problem.space, {strategy}, fresh) ==
          evaluate(problem.space, {strategy}, problem.cache));
  }
}

TEST_CASE("search finds what brute force finds, where weights are cast to fp8 once a step") {
  Problem problem(
      "name: few tokens, large matrices\n"
      "model: {layers: 4, hidden: 4096, heads: 32, kv_heads: 32, ffn: 16384, vocab: 8192}\n"
      "cluster: {preset: dgx-h100, gpus: 4}\n"
      "training: {seq_len: 256, global_batch: 32, precision: fp8}\n"
      "implementation: megatron-core\n"
      "search:\n"
      "  fixed: {cp: 1, tp: 1, micro_batch: 1, overlap.p2p: true, sequence_parallel: false}\n"
      "  ranges: {recompute: [none, full], zero: [0, 1, 3]}\n");
  REQUIRE(problem.all.size() > 20);
  compare(problem);
}

TEST_CASE("search finds what brute force finds, where parameters are gathered in two hops or one") {
  Problem problem(
      "name: two hops\n"
      "model: {layers: 4, hidden: 1024, heads: 8, kv_heads: 8, ffn: 4096, vocab: 8192}\n"
      "cluster: {preset: dgx-a100, gpus: 16}\n"
      "training: {seq_len: 512, global_batch: 16}\n"
      "implementation: fsdp\n"
      "search:\n"
      "  fixed: {cp: 1, tp: 1, pp: 1, zero: 3, shard_group: 16, offload.activations: 0}\n"
      "  ranges: {gather_group: [0, 8, 4]}\n");
  REQUIRE(problem.all.size() > 20);
  compare(problem);
}

TEST_CASE("search finds what brute force finds, on many random problems", "[.long]") {
  const char* first = std::getenv("STEPCAST_FIRST_SEED");
  const char* count = std::getenv("STEPCAST_PROBLEMS");
  compare_random(first ? std::strtoull(first, nullptr, 10) : 1000, count ? std::atoi(count) : 150);
}

TEST_CASE("search finds what brute force finds, in a space of thousands") {
  Problem problem(
      "name: thousands\n"
      "model: {layers: 4, hidden: 1024, heads: 8, kv_heads: 8, ffn: 4096, vocab: 32000}\n"
      "cluster: {preset: dgx-a100, gpus: 8}\n"
      "training: {seq_len: 1024, global_batch: 16}\n"
      "search:\n"
      "  fixed: {cp: 1, micro_batch: 1, offload.activations: 0}\n"
      "  max_memory: 3 GiB\n");
  CHECK(problem.all.size() > 2000);
  compare(problem);
}
