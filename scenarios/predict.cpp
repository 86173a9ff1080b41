// The way from a scenario to its report; every step is a pure function of the one before.
#include <algorithm>
#include <chrono>
#include <optional>

#include <fmt/format.h>

#include "scenarios/breakdown.hpp"
#include "scenarios/fit_advice.hpp"
#include "scenarios/reader.hpp"
#include "scenarios/report.hpp"
#include "scenarios/simulated_step.hpp"
#include "scenarios/slices.hpp"
#include "scenarios/step_model.hpp"

namespace scenarios {
namespace {

double executed_flops(const StepModel& model, const strategies::Plan& plan) {
  double sum = 0.0;
  for (const strategies::Program& program : model.programs) {
    for (const strategies::Op& op : program.ops()) sum += op.flops;
  }
  return sum * static_cast<double>(plan.tp * plan.cp * plan.dp);
}

void rate(Report& report, double executed) {
  const Scenario& scenario = report.scenario;
  const strategies::Training& training = scenario.training;
  const auto gpus = static_cast<double>(scenario.plan.world_size());
  const double seconds = report.step_time.seconds();
  const double tokens =
      static_cast<double>(training.global_batch) * static_cast<double>(training.seq_len);
  const auto per_token = models::model_flops_per_token(scenario.model, training.seq_len);
  const auto peak = [&](models::Precision precision) {
    return scenario.device.peak[static_cast<std::size_t>(precision)].per_second();
  };
  const double per_gpu = tokens / seconds / gpus;
  report.tokens_per_s = tokens / seconds;
  report.model_tflops_per_gpu = per_token.causal() * per_gpu * 1e-12;
  report.model_tflops_per_gpu_full = per_token.full() * per_gpu * 1e-12;
  if (const double dense = peak(training.precision); dense > 0.0) {
    report.mfu = per_token.causal() * per_gpu / dense;
    report.hfu = executed / seconds / gpus / dense;
  }
  if (const double dense = peak(models::Precision::bf16); dense > 0.0) {
    report.mfu_bf16 = per_token.causal() * per_gpu / dense;
  }
}

// Of one rank a stage; all ranks of a stage run the same program.
StageTimes times_of_stages(const StepModel& model, const SimulatedStep& result) {
  StageTimes out(model.programs.size());
  for (std::size_t r = 0; r < result.fleet->ranks.size(); ++r) {
    auto& times = out[static_cast<std::size_t>(result.fleet->ranks[r].stage)];
    if (!times.empty()) continue;
    sim::TaskId anchor;
    sim::Time since, reached;  // when the host went on from its anchor; how far it has got
    for (const sim::TaskId task : result.step.task_of[r]) {
      const sim::HostIssue& host = result.step.graph.host(task);
      if (host.anchor.valid() && host.anchor != anchor) {
        anchor = host.anchor;
        since = std::max(reached, result.timeline.finish[anchor]);
      }
      times.push_back({since + host.begin, result.timeline.finish[task]});
      reached = std::max(reached, since + host.end);
    }
  }
  return out;
}

void check_memory(Report& report, const StepModel& model, const SimulatedStep& result) {
  const bool host_counts =
      report.scenario.implementation.host_limits && !report.scenario.training.cuda_graph;
  report.stages = stage_memory(report.scenario, model,
                               host_counts ? times_of_stages(model, result) : StageTimes{});
  report.device_memory = report.scenario.device.usable_memory;
  for (std::size_t s = 0; s < report.stages.size(); ++s) {
    if (report.stages[s].driver > report.stages[report.worst_stage].driver) report.worst_stage = s;
  }
  report.fits = report.stages[report.worst_stage].driver <= report.device_memory;
  if (!report.fits) report.advice = advise_on_fit(report.scenario, report.device_memory);
}

// Of several steps the average; what integer division leaves over is `other`.
Breakdown per_step(Breakdown sum, std::int64_t steps, sim::Time step_time) {
  sim::Time rest = step_time;
  for (sim::Time* part :
       {&sum.compute, &sum.recompute, &sum.optimizer, &sum.exposed_tp, &sum.exposed_cp,
        &sum.exposed_ep, &sum.exposed_pp, &sum.exposed_dp, &sum.bubble}) {
    *part = sim::Time::ps(part->count() / steps);
    rest -= *part;
  }
  sum.other = rest;
  return sum;
}

void assert_equal_unfolded(const Scenario& scenario, const StepModel& model, PredictionCache& cache,
                           const PredictOptions& options, const SimulatedStep& folded) {
  constexpr std::int64_t kMostRanks = 512;  // beyond, the unfolded run takes too long to be a check
  if (!folded.fleet->folded || folded.fleet->world > kMostRanks) return;
  const SimulatedStep full = simulate_step(scenario, model, cache, options, false);
  SIM_EXPECTS(full.timeline.makespan == folded.timeline.makespan,
              "folded and unfolded simulation disagree");
}

// The step time with every collective modelled, for comparison.
sim::Time modelled_step_time(const Scenario& scenario, const StepModel& model,
                             PredictionCache& cache, const PredictOptions& options) {
  Scenario modelled = scenario;
  modelled.calibration = {};
  const SimulatedStep step = simulate_step(modelled, model, cache, options, options.fold);
  return sim::Time::ps(step.timeline.makespan.count() / options.steps);
}

constexpr double kSecondsPerDay = 86'400.0;

// A step that would take longer than sim::Time holds: `what` takes so long.
[[noreturn]] void refuse_slow(const Scenario& scenario, const std::string& what,
                              const std::string& hint) {
  throw ScenarioError(
      ErrorKind::limit,
      {Diagnostic{scenario.name, 0, 0, "",
                  fmt::format("the step would take more than 106 days, the longest time that is "
                              "simulated: {}",
                              what),
                  hint, ""}});
}

constexpr const char* kFasterWork =
    "raise cluster.device.peak, memory_bandwidth, efficiencies or "
    "implementation.kernels.gemm_factor, or lower training.seq_len";

std::unique_ptr<StepModel> step_of(const Scenario& scenario, std::int64_t steps) {
  try {
    return build_step(scenario, steps);
  } catch (const sim::TimeOverflow&) {
    refuse_slow(scenario, "a single kernel of the device takes as long", kFasterWork);
  }
}

const strategies::Op& longest_work(const StepModel& model) {
  const strategies::Op* longest = &model.programs.front().op(0);
  for (const strategies::Program& program : model.programs) {
    for (strategies::OpIndex i = 0; i < program.size(); ++i) {
      if (program.op(i).duration > longest->duration) longest = &program.op(i);
    }
  }
  return *longest;
}

SimulatedStep simulated(const Scenario& scenario, const StepModel& model, PredictionCache& cache,
                        const PredictOptions& options) {
  try {
    return simulate_step(scenario, model, cache, options, options.fold);
  } catch (const sim::TimeOverflow&) {
    const strategies::Op& longest = longest_work(model);
    const double days = longest.duration.seconds() / kSecondsPerDay;
    if (days >= 0.01) {
      refuse_slow(scenario, fmt::format("{} alone takes {:.3g} days", longest.name, days),
                  kFasterWork);
    }
    refuse_slow(scenario, "its messages take as long, or the launches of its kernels",
                "raise cluster.intra_node.bandwidth or cluster.inter_node.bandwidth, or lower "
                "implementation.kernels.launch and other latencies");
  }
}

}  // namespace

Report predict(const Scenario& scenario, const PredictOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  Report report;
  report.scenario = scenario;
  const auto model = step_of(report.scenario, options.steps);
  std::optional<PredictionCache> own;
  PredictionCache& cache = options.cache ? *options.cache : own.emplace(scenario);
  const SimulatedStep result = simulated(report.scenario, *model, cache, options);
  if (options.verify) assert_equal_unfolded(scenario, *model, cache, options, result);

  const sim::RankId last = last_rank(result.step, result.timeline);
  const auto stage = static_cast<std::size_t>(result.fleet->ranks[last.index()].stage);
  report.step_time = sim::Time::ps(result.timeline.makespan.count() / options.steps);
  report.breakdown =
      per_step(breakdown_of_rank(model->programs[stage], result.step, result.timeline, last),
               options.steps, report.step_time);
  report.bubble_fraction = report.breakdown.bubble.seconds() / report.step_time.seconds();
  rate(report, executed_flops(*model, scenario.plan) / static_cast<double>(options.steps));
  check_memory(report, *model, result);
  report.fold = {result.fleet->world, static_cast<std::int64_t>(result.fleet->ranks.size()),
                 result.fleet->folded, result.fleet->certificate};
  if (!scenario.calibration.empty()) {
    report.prices = result.step.prices;
    if (options.without_calibration) {
      report.uncalibrated_step_time = modelled_step_time(scenario, *model, cache, options);
    }
  }
  report.events = result.timeline.events;
  report.fidelity = options.fidelity == "auto" ? "flow" : options.fidelity;
  for (StageMemory& memory : report.stages) {
    const auto found = std::find_if(result.fleet->ranks.begin(), result.fleet->ranks.end(),
                                    [&](const auto& rank) { return rank.stage == memory.stage; });
    if (found != result.fleet->ranks.end()) memory.rank = found->rank;
  }
  add_slices(report, options.trace_ranks, *model, *result.fleet, result.step, result.timeline);
  report.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return report;
}

}  // namespace scenarios
