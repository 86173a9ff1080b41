#include "studies/search_evaluate.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>

#include "scenarios/simulated_step.hpp"

namespace studies {

unsigned thread_count(unsigned wanted) {
  return wanted > 0 ? wanted : std::max(1U, std::thread::hardware_concurrency());
}

void parallel_for(std::size_t count, unsigned threads,
                  const std::function<void(std::size_t, std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  std::vector<std::exception_ptr> errors(count);
  const auto run = [&](std::size_t thread) {
    for (std::size_t i = next++; i < count; i = next++) {
      try {
        work(thread, i);
      } catch (...) {
        errors[i] = std::current_exception();
      }
    }
  };
  {
    std::vector<std::jthread> pool;
    for (std::size_t t = 1; t < std::min<std::size_t>(threads, count); ++t)
      pool.emplace_back(run, t);
    run(0);
  }
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

namespace {

std::int64_t fullest(const scenarios::Scenario& scenario, const scenarios::StepModel& model) {
  std::int64_t most = 0;
  for (const scenarios::StageMemory& stage : scenarios::stage_memory(scenario, model)) {
    most = std::max(most, stage.driver.count());
  }
  return most;
}

}  // namespace

bool offloads_needlessly(const SearchSpace& space, const CandidateStrategy& strategy,
                         scenarios::Scenario& scenario, SearchBounds* bounds) {
  const double limit = memory_limit(scenario);
  for (const auto& other : space.less_offloaded(strategy.core, strategy.variant)) {
    space.apply(other.core, scenario);
    space.apply(other.variant, scenario);
    if (bounds != nullptr && bounds->variant_memory(other.core, scenario) > limit) continue;
    const auto model = scenarios::build_step(scenario);
    if (static_cast<double>(fullest(scenario, *model)) <= limit) return true;
  }
  return false;
}

Evaluation evaluate(const SearchSpace& space, const EvaluationTask& task,
                    scenarios::PredictionCache& cache) {
  scenarios::Scenario scenario = space.base();
  space.apply(task.strategy.core, scenario);
  space.apply(task.strategy.variant, scenario);
  const auto model = scenarios::build_step(scenario);
  Evaluation out;
  out.memory_bytes = fullest(scenario, *model);
  out.fits = static_cast<double>(out.memory_bytes) <= memory_limit(scenario);
  if (!out.fits) return out;
  std::optional<sim::Time> deadline;
  if (task.deadline_ps < INT64_MAX) deadline = sim::Time::ps(task.deadline_ps);
  const auto step = scenarios::simulate_step(scenario, *model, cache, {}, true, deadline);
  out.late = step.timeline.late;
  out.step_ps = out.late ? task.deadline_ps : step.timeline.makespan.count();
  return out;
}

}  // namespace studies
