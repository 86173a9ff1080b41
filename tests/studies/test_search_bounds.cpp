// Bounds against simulations, of a few strategies of many spaces.
#include <algorithm>
#include <cstdlib>

#include "scenarios/simulated_step.hpp"
#include "search_brute_force.hpp"

using namespace studies;
using brute_force::Problem;
using search_problems::random_problem;
using search_problems::wide_problem;

namespace {

constexpr std::size_t kOfEachSpace = 15;

// Calls with a dozen strategies of a problem, far apart, and the scenario that holds each.
template <class Visit>
void visit_some(Problem& problem, const Visit& visit, std::size_t count = kOfEachSpace) {
  const std::size_t stride = 1 + problem.all.size() / count;
  for (std::size_t i = 0; i < problem.all.size(); i += stride) {
    scenarios::Scenario scenario = problem.space.base();
    problem.space.apply(problem.all[i].core, scenario);
    problem.space.apply(problem.all[i].variant, scenario);
    INFO(scenarios::to_yaml(materialise(problem.space, problem.all[i])));
    visit(problem.all[i], scenario);
  }
}

sim::Time whole_step(Problem& problem, const scenarios::Scenario& scenario,
                     const scenarios::StepModel& model) {
  return scenarios::simulate_step(scenario, model, problem.cache, {}, true).timeline.makespan;
}

// What fits or not: all have to keep to it.
void check_some(Problem& problem, std::size_t count = kOfEachSpace) {
  // A bound keeps what it needs again of the scenario that it was given: one that stays.
  scenarios::Scenario scenario = problem.space.base();
  SearchBounds bounds(problem.space, problem.cache.machine());
  const auto check = [&](const CandidateStrategy& strategy, const scenarios::Scenario& held) {
    const auto model = scenarios::build_step(held);
    Evaluation truth = evaluate(problem.space, {strategy}, problem.cache);
    truth.step_ps = whole_step(problem, held, *model).count();
    truth.fits = true;
    brute_force::check_bounds(problem, scenario, bounds, strategy, truth);
    SearchBounds fresh(problem.space, problem.cache.machine());
    CHECK(fresh.pipeline_time(strategy.core, scenario) ==
          bounds.pipeline_time(strategy.core, scenario));
    CHECK(fresh.variant_memory(strategy.core, scenario) ==
          bounds.variant_memory(strategy.core, scenario));
    const double enough = 0.9 * static_cast<double>(truth.step_ps);
    CHECK(bounds.pipeline_time(strategy.core, scenario, enough) <=
          static_cast<double>(truth.step_ps));
  };
  visit_some(problem, check, count);
}

void check_wide(std::uint64_t first_seed, int problems) {
  for (std::uint64_t seed = first_seed; problems > 0; ++seed, --problems) {
    Problem problem(wide_problem(seed));
    check_some(problem);
  }
}

// A beginning ends where what it leaves out could start, so it knows no more than the whole.
// Returns whether it has found out what takes twice as long as it may.
bool check_beginning(Problem& problem, SearchBounds& bounds, const CandidateStrategy& strategy,
                     const scenarios::Scenario& scenario) {
  const auto model = scenarios::build_step(scenario);
  const sim::Time whole = whole_step(problem, scenario, *model);
  const auto late = [&](sim::Time deadline, double part) {
    return begins_late(strategy.core, scenario, *model, problem.cache, bounds, deadline, part);
  };
  for (const double part : {0.02, 0.1, 0.3, 0.6, 0.95}) CHECK_FALSE(late(whole, part));
  return late(sim::Time::ps(whole.count() / 2), 0.5);
}

void check_beginnings(std::string (*problem_of)(std::uint64_t), std::uint64_t first_seed,
                      int problems) {
  int found = 0, asked = 0;
  for (std::uint64_t seed = first_seed; problems > 0; ++seed, --problems) {
    Problem problem(problem_of(seed));
    scenarios::Scenario scenario = problem.space.base();
    SearchBounds bounds(problem.space, problem.cache.machine());
    visit_some(problem, [&](const CandidateStrategy& strategy, const scenarios::Scenario& held) {
      if (held.plan.overlap.ep_passes || held.plan.schedule.starts_with("dualpipe")) return;
      problem.space.apply(strategy.core, scenario);
      problem.space.apply(strategy.variant, scenario);
      ++asked;
      if (check_beginning(problem, bounds, strategy, scenario)) ++found;
    });
  }
  CHECK(asked > 0);
  CHECK(found > asked / 2);
}

}  // namespace

TEST_CASE("no bound is above what it bounds, whatever was bounded before") { check_wide(1, 40); }

// Gradients that only the last micro-batch copies, where context parallelism alone reduces them.
TEST_CASE("bounds count copies for reductions once a step") {
  Problem copies(
      "name: copies into buckets\n"
      "model: {layers: 8, hidden: 4096, heads: 32, kv_heads: 8, ffn: 2048, vocab: 65536}\n"
      "cluster: {preset: dgx-h100, gpus: 8}\n"
      "training: {seq_len: 1024, global_batch: 4, optimizer: adamw-8bit}\n"
      "implementation: torchtitan\n"
      "search:\n"
      "  fixed: {cp: 2, vpp: 1, offload.optimizer: 0, offload.activations: 0, micro_batch: 1,\n"
      "          tp: 1, sequence_parallel: true, overlap.tp: true, recompute: none}\n");
  check_some(copies, 150);
  Problem sharded(
      "name: copies of shards\n"
      "model: {layers: 6, hidden: 4096, heads: 32, kv_heads: 8, ffn: 2048, vocab: 65536}\n"
      "cluster: {preset: dgx1-v100, gpus: 8}\n"
      "training: {seq_len: 4096, global_batch: 4, precision: fp16}\n"
      "implementation: internevo\n"
      "search:\n"
      "  fixed: {cp: 2, pp: 4, zero: 3, offload.optimizer: 1, offload.activations: 0,\n"
      "          micro_batch: 1, tp: 1, sequence_parallel: true, overlap.tp: true}\n");
  check_some(sharded, 150);
}

TEST_CASE("no bound is above what it bounds, on many wide problems", "[.long]") {
  const char* first = std::getenv("STEPCAST_FIRST_SEED");
  const char* count = std::getenv("STEPCAST_PROBLEMS");
  check_wide(first ? std::strtoull(first, nullptr, 10) : 1000, count ? std::atoi(count) : 400);
}

TEST_CASE("the beginning of a step shows that it is late where it is, and only there") {
  check_beginnings(&random_problem, 1, 60);
  check_beginnings(&wide_problem, 1, 40);
}

TEST_CASE("the beginning of a step shows no more than the whole, on many problems", "[.long]") {
  check_beginnings(&random_problem, 1000, 500);
  check_beginnings(&wide_problem, 1000, 300);
}
