// Rows of docs/performance.md, "Search": the largest space, Llama 3.1 405B on 16,384 H100.
#include <benchmark/benchmark.h>

#include <memory>

#include "scenarios/reader.hpp"
#include "studies/search.hpp"
#include "studies/search_bounds.hpp"
#include "studies/search_evaluate.hpp"

namespace {

using studies::SearchCore;
using studies::SearchVariant;

// The whole space; the one thing all rows share.
struct Large {
  static studies::SearchSpace make_space() {
    scenarios::ReadOptions options;
    options.check_strategy = false;
    return studies::SearchSpace(
        scenarios::read_scenario(STEPCAST_SOURCE_DIR "/scenarios/llama3-405b-4d.yaml", options));
  }

  studies::SearchSpace space = make_space();
  studies::CoreList cores = space.cores().list;
  scenarios::PredictionCache cache{space.base(), space.host_links()};
};

Large& large() {
  static Large shared;
  return shared;
}

// Every n-th of the space, so that a row sees all kinds of strategies.
constexpr std::size_t kStride = 997;

void enumerate(benchmark::State& state) {
  std::size_t found = 0;
  for (auto _ : state) found = large().space.cores().list.size();
  state.counters["cores"] = static_cast<double>(found);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(found));
}
BENCHMARK(enumerate)->Unit(benchmark::kMillisecond);

// Bounds of consecutive cores, as the search takes them; prices and units are remembered.
void core_bounds(benchmark::State& state) {
  studies::SearchBounds bounds(large().space, large().cache.machine());
  scenarios::Scenario scenario = large().space.base();
  std::int64_t done = 0;
  for (auto _ : state) {
    for (std::size_t c = 0; c < large().cores.size(); ++c, ++done) {
      large().space.apply(large().cores[c], scenario);
      benchmark::DoNotOptimize(bounds.core(large().cores[c], scenario));
    }
  }
  state.SetItemsProcessed(done);
}
BENCHMARK(core_bounds)->Unit(benchmark::kMillisecond)->Iterations(1);

// A core's bound and those of all its variants, as when it is opened.
void variant_bounds(benchmark::State& state) {
  studies::SearchBounds bounds(large().space, large().cache.machine());
  scenarios::Scenario scenario = large().space.base();
  std::int64_t done = 0;
  for (auto _ : state) {
    for (std::size_t c = 0; c < large().cores.size(); c += 61) {
      large().space.apply(large().cores[c], scenario);
      for (const SearchVariant& variant : large().space.variants(scenario)) {
        large().space.apply(variant, scenario);
        benchmark::DoNotOptimize(bounds.variant_memory(large().cores[c], scenario));
        ++done;
      }
    }
  }
  state.SetItemsProcessed(done);
}
BENCHMARK(variant_bounds)->Unit(benchmark::kMillisecond)->Iterations(1);

enum class Sharp { memory, pipeline };
void sharp_bounds(benchmark::State& state, Sharp which) {
  studies::SearchBounds bounds(large().space, large().cache.machine());
  scenarios::Scenario scenario = large().space.base();
  std::int64_t done = 0;
  for (auto _ : state) {
    for (std::size_t c = 0; c < large().cores.size(); c += kStride) {
      large().space.apply(large().cores[c], scenario);
      large().space.apply(large().space.variants(scenario).front(), scenario);
      if (which == Sharp::memory && !bounds.memory_is_sharper(large().cores[c], scenario)) continue;
      benchmark::DoNotOptimize(which == Sharp::memory
                                   ? bounds.memory(large().cores[c], scenario)
                                   : bounds.pipeline_time(large().cores[c], scenario));
      ++done;
    }
  }
  state.SetItemsProcessed(done);
}
BENCHMARK_CAPTURE(sharp_bounds, memory, Sharp::memory)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);
BENCHMARK_CAPTURE(sharp_bounds, pipeline, Sharp::pipeline)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);

// Whole simulations, `flow`, of strategies that fit, as a search meets them.
void simulations(benchmark::State& state) {
  scenarios::Scenario scenario = large().space.base();
  studies::SearchBounds bounds(large().space, large().cache.machine());
  std::vector<studies::CandidateStrategy> fitting;
  for (std::uint32_t c = 0; c < large().cores.size(); c += 101) {
    large().space.apply(large().cores[c], scenario);
    const auto variants = large().space.variants(scenario);
    for (std::uint32_t v = 0; v < variants.size(); v += 17) {
      large().space.apply(variants[v], scenario);
      const double memory = bounds.variant_memory(large().cores[c], scenario);
      if (memory > studies::memory_limit(scenario)) continue;
      if (bounds.core(large().cores[c], scenario).time_ps > 7e12) continue;
      fitting.push_back({{c, v}, large().cores[c], variants[v]});
    }
  }
  std::int64_t done = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < fitting.size(); i += fitting.size() / 60 + 1, ++done) {
      benchmark::DoNotOptimize(
          studies::evaluate(large().space, {fitting[i]}, large().cache).step_ps);
    }
  }
  state.SetItemsProcessed(done);
}
BENCHMARK(simulations)->Unit(benchmark::kMillisecond)->Iterations(1);

// One strategy again and again, tp 16 and pp 2, that fits; the placement decides how many ranks are
// simulated.
void step(benchmark::State& state, const char* rank_order) {
  scenarios::Scenario scenario = large().space.base();
  for (std::uint32_t c = 0; c < large().cores.size(); ++c) {
    large().space.apply(large().cores[c], scenario);
    const strategies::Plan& plan = scenario.plan;
    if (plan.tp != 16 || plan.pp != 2 || plan.cp != 1 || plan.rank_order != rank_order) continue;
    const auto variants = large().space.variants(scenario);
    for (std::uint32_t v = 0; v < variants.size(); ++v) {
      const studies::CandidateStrategy strategy{{c, v}, large().cores[c], variants[v]};
      if (!studies::evaluate(large().space, {strategy}, large().cache).fits) continue;
      for (auto _ : state)
        benchmark::DoNotOptimize(
            studies::evaluate(large().space, {strategy}, large().cache).step_ps);
      large().space.apply(variants[v], scenario);
      state.counters["ranks"] =
          static_cast<double>(large().cache.fleet(scenario, scenario.plan, true)->ranks.size());
      state.SetItemsProcessed(state.iterations());
      return;
    }
  }
  state.SkipWithError("no such strategy fits");
}
BENCHMARK_CAPTURE(step, stages_apart, "tp-cp-ep-dp-pp")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(step, stages_together, "tp-cp-ep-pp-dp")->Unit(benchmark::kMillisecond);

}  // namespace
