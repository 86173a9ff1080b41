// The search of several GPU counts against brute force: every strategy of every count simulated,
// and each compared with each other.
#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>

#include "search_problems.hpp"
#include "studies/search_counts.hpp"
#include "studies/search_evaluate.hpp"
#include "studies/search_team.hpp"
#include "studies/training_run.hpp"

using namespace studies;

namespace {

struct Point {
  std::size_t count = 0;
  Candidate id;
  Evaluation evaluation;
  double gpus = 0.0, cost = 0.0;

  double time() const { return static_cast<double>(evaluation.step_ps); }
  double memory() const { return static_cast<double>(evaluation.memory_bytes); }
  auto place() const { return std::tuple(evaluation.step_ps, evaluation.memory_bytes, count, id); }
};

// The searches of one scenario's counts, and every strategy that fits in any of them.
struct Problem {
  explicit Problem(const std::string& text) {
    scenarios::ReadOptions options;
    options.check_strategy = false;
    for (const auto& scenario :
         scenarios::read_search_scenarios_text(text, "search.yaml", options)) {
      spaces.push_back(std::make_unique<SearchSpace>(scenario));
      caches.push_back(std::make_unique<scenarios::PredictionCache>(spaces.back()->base()));
      simulate_all(spaces.size() - 1);
    }
  }

  void simulate_all(std::size_t count) {
    const SearchSpace& space = *spaces[count];
    for (const CandidateStrategy& strategy : search_problems::all_of(space)) {
      const Evaluation e = evaluate(space, {strategy}, *caches[count]);
      if (!e.fits) continue;
      // A whole training of a million tokens by the rule of training_run.hpp.
      const TrainingRun run = training_run(space.base(), sim::Time::ps(e.step_ps), 1e6);
      all.push_back({count, strategy.id, e, static_cast<double>(space.base().cluster.gpus),
                     run.price_usd > 0.0 ? run.price_usd : run.gpu_hours});
      scenarios::Scenario scratch = space.base();
      if (!offloads_needlessly(space, strategy, scratch)) rankable.push_back(all.back());
    }
  }

  void search_all(Objective objective) {
    results.clear();
    counts.clear();
    for (std::size_t i = 0; i < spaces.size(); ++i) {
      SearchOptions options;
      options.objective = objective;
      options.top = 5;
      ThreadTeam team(*spaces[i], *caches[i], 0);
      results.push_back(search(*spaces[i], options, team));
    }
    for (std::size_t i = 0; i < spaces.size(); ++i) {
      counts.push_back({&spaces[i]->base(), &results[i]});
    }
  }

  std::vector<std::unique_ptr<SearchSpace>> spaces;
  std::vector<std::unique_ptr<scenarios::PredictionCache>> caches;
  std::vector<Point> all, rankable;
  std::vector<SearchResult> results;
  std::vector<SearchedCount> counts;
};

std::vector<Point> brute_front(const std::vector<Point>& all, FrontAxes axes) {
  std::vector<Point> out;
  for (const Point& a : all) {
    const bool beaten = std::any_of(all.begin(), all.end(), [&](const Point& b) {
      std::vector<std::pair<double, double>> pairs{{b.time(), a.time()}, {b.memory(), a.memory()}};
      if (axes.gpus) pairs.emplace_back(b.gpus, a.gpus);
      if (axes.cost) pairs.emplace_back(b.cost, a.cost);
      const auto no_worse = [](const auto& p) { return p.first <= p.second; };
      const auto equal = [](const auto& p) { return p.first == p.second; };
      if (!std::all_of(pairs.begin(), pairs.end(), no_worse)) return false;
      if (!std::all_of(pairs.begin(), pairs.end(), equal)) return true;
      return std::tuple(b.count, b.id) < std::tuple(a.count, a.id);
    });
    if (!beaten) out.push_back(a);
  }
  std::sort(out.begin(), out.end(),
            [](const Point& a, const Point& b) { return a.place() < b.place(); });
  return out;
}

std::vector<Point> brute_best(std::vector<Point> all, Objective objective, std::size_t top) {
  const auto key = [&](const Point& p) {
    return objective == Objective::memory ? p.memory()
           : objective == Objective::cost ? p.cost
                                          : p.time();
  };
  std::sort(all.begin(), all.end(), [&](const Point& a, const Point& b) {
    return std::tuple(key(a), a.place()) < std::tuple(key(b), b.place());
  });
  all.resize(std::min(all.size(), top));
  return all;
}

void check_same(const Problem& problem, std::vector<Found> SearchResult::*list,
                const std::vector<FoundPlace>& got, const std::vector<Point>& wanted) {
  REQUIRE(got.size() == wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    INFO("place " << i);
    const Found& found = (problem.results[got[i].count].*list)[got[i].place];
    CHECK(got[i].count == wanted[i].count);
    CHECK(found.strategy.id == wanted[i].id);
    CHECK(found.evaluation == wanted[i].evaluation);
  }
}

std::string problem_of(const std::string& cluster, const std::string& search) {
  return "name: counts\n"
         "model: {layers: 4, hidden: 1024, heads: 8, kv_heads: 8, ffn: 4096, vocab: 8192}\n"
         "cluster: {" +
         cluster +
         "}\n"
         "training: {seq_len: 1024, global_batch: 16}\n"
         "search:\n"
         "  gpus: [2, 4, 8, 16]\n"
         "  fixed: {cp: 1, micro_batch: 1, vpp: 1, schedule: 1f1b, overlap.p2p: true,\n"
         "          overlap.tp: false, sequence_parallel: false, offload.activations: 0}\n"
         "  ranges: {recompute: [none, full], tp: [1, 2], zero: [0, 1, 3]}\n" +
         search;
}

void compare(Problem& problem) {
  REQUIRE(problem.spaces.size() == 4);
  REQUIRE(problem.all.size() > 100);
  for (const Objective objective : {Objective::step_time, Objective::memory, Objective::cost}) {
    problem.search_all(objective);
    const auto& ranked = objective == Objective::memory ? problem.all : problem.rankable;
    check_same(problem, &SearchResult::best, best_of_counts(problem.counts, objective, 5),
               brute_best(ranked, objective, 5));
    for (const FrontAxes axes :
         {FrontAxes{}, FrontAxes{true, false}, FrontAxes{false, true}, FrontAxes{true, true}}) {
      INFO("gpus " << axes.gpus << " cost " << axes.cost);
      check_same(problem, &SearchResult::pareto, front_of_counts(problem.counts, axes),
                 brute_front(problem.all, axes));
    }
  }
}

}  // namespace

TEST_CASE("the front over GPU counts and cost is that of brute force") {
  SECTION("with a price") {
    Problem problem(problem_of("preset: dgx-a100, price: 2.5 USD/h", ""));
    compare(problem);
  }
  SECTION("in GPU-hours, with little memory") {
    Problem problem(problem_of("preset: pcie-box", "  max_memory: 3 GiB\n"));
    compare(problem);
    CHECK(total(problem.counts).rejected_by_memory > 0);
  }
}

TEST_CASE("fronts over more axes differ") {
  Problem problem(problem_of("preset: dgx-a100, price: 2.5 USD/h", ""));
  problem.search_all(Objective::step_time);
  const auto plain = front_of_counts(problem.counts, {});
  const auto gpus = front_of_counts(problem.counts, {true, false});
  const auto cost = front_of_counts(problem.counts, {false, true});
  CHECK(gpus.size() > plain.size());
  CHECK(cost.size() > plain.size());
  // Cost grows with GPUs and time, so that it adds nothing to them.
  CHECK(front_of_counts(problem.counts, {true, true}) == gpus);
  const SearchCounts sum = total(problem.counts);
  CHECK(sum.candidates == sum.pruned + sum.rejected_by_memory + sum.feasible);
}

TEST_CASE("each GPU count has a scenario: a bad one is refused where it stands") {
  scenarios::ReadOptions options;
  options.check_strategy = false;
  const auto complaint = [&](const std::string& gpus, const std::string& cluster) {
    try {
      scenarios::read_search_scenarios_text(
          "name: n\nmodel: gpt2-xl\ncluster: " + cluster + "\nsearch:\n  gpus: " + gpus + "\n",
          "in.yaml", options);
    } catch (const scenarios::ScenarioError& error) {
      return error.diagnostics().front().to_string();
    }
    return std::string();
  };
  const auto all = scenarios::read_search_scenarios_text(
      "name: n\nmodel: gpt2-xl\ncluster: dgx-a100\nsearch: {gpus: [8, 32]}\n", "in.yaml", options);
  REQUIRE(all.size() == 2);
  CHECK(all[0].cluster.gpus == 8);
  CHECK(all[1].cluster.gpus == 32);
  options.set = {"cluster.gpus=64", "search.gpus=[16]"};
  CHECK(scenarios::read_search_scenarios_text("model: gpt2-xl\ncluster: dgx-a100\n", "in.yaml",
                                              options)
            .front()
            .cluster.gpus == 16);
  options.set.clear();
  using Catch::Matchers::Contains;
  CHECK_THAT(complaint("[0, 8]", "dgx-a100"), Contains("in.yaml:5:10: error: "));
  CHECK_THAT(complaint("[8, 2000000]", "dgx-a100"), Contains("in.yaml:5:13: error: "));
  CHECK_THAT(complaint("[8, 12.5]", "dgx-a100"), Contains("in.yaml:5:13: error: "));
  CHECK_THAT(complaint("[8, x]", "dgx-a100"), Contains("in.yaml:5:13: error: "));
  CHECK_THAT(complaint("[8, 8]", "dgx-a100"), Contains("in.yaml:5:9: error: `search.gpus` does"));
  CHECK_THAT(complaint("[]", "dgx-a100"), Contains("in.yaml:5:9: error: `search.gpus` is an"));
  CHECK_THAT(complaint("8", "dgx-a100"), Contains("in.yaml:5:9: error: "));
}
