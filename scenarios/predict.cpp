// The way from a scenario to its report; every step is a pure function of the one before.
#include <algorithm>
#include <chrono>
#include <cmath>

#include <fmt/format.h>

#include "scenarios/breakdown.hpp"
#include "scenarios/fit_advice.hpp"
#include "scenarios/network.hpp"
#include "scenarios/reader.hpp"
#include "scenarios/report.hpp"
#include "scenarios/slices.hpp"
#include "scenarios/step_model.hpp"
#include "strategies/fleet.hpp"
#include "strategies/lower.hpp"
#include "topologies/cluster.hpp"
#include "topologies/layout.hpp"

namespace scenarios {
namespace {

sim::Fidelity fidelity_of(const std::string& name) {
  return name == "analytic" ? sim::Fidelity::analytic : sim::Fidelity::flow;
}

// Links the scenario declares slow lose capacity. A name may hold `*`, and must name some link.
void slow_links(sim::Machine& machine, const strategies::Faults& faults) {
  for (const auto& slow : faults.slow_links) {
    const auto links = topologies::find_links(machine, slow.link);
    if (links.empty()) {
      throw ScenarioError(ErrorKind::invalid_input,
                          {Diagnostic{"faults", 0, 0, "faults.slow_links",
                                      fmt::format("no link is called '{}'", slow.link),
                                      "`stepcast topology` prints the names of links", ""}});
    }
    for (const sim::LinkId link : links) {
      machine.links[link].capacity = machine.links[link].capacity * (1.0 / slow.factor);
    }
  }
}

// Every rank waits for the slowest at the end of each collective: the expected maximum of N normal
// deviates is about sqrt(2 ln N) standard deviations.
double slowest_of(const Scenario& scenario) {
  const auto world = static_cast<double>(scenario.plan.world_size());
  if (world < 2.0) return 1.0;
  return 1.0 + scenario.implementation.straggler * std::sqrt(2.0 * std::log(world));
}

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

void check_memory(Report& report, const StepModel& model) {
  report.stages = stage_memory(report.scenario, model);
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

struct Simulated {
  strategies::Fleet fleet;
  strategies::LoweredStep step;
  sim::Timeline timeline;
};

Simulated run(const Scenario& scenario, const StepModel& model, const sim::Machine& machine,
              const PredictOptions& options, bool fold) {
  Simulated out;
  if (options.fidelity == "step") fold = false;  // every member of a collective takes its steps
  out.fleet = fold ? strategies::folded_fleet(scenario.model, model.plan, scenario.faults, machine)
                   : strategies::full_fleet(scenario.model, model.plan, scenario.faults, machine);
  const strategies::Network network{&machine, fabric_of(scenario), library_of(scenario)};
  const sim::Fidelity fidelity = fidelity_of(options.fidelity);
  out.step = strategies::lower(model.programs, out.fleet, network, scenario.implementation,
                               {fidelity, options.fidelity == "step", slowest_of(scenario)});
  sim::SimulateOptions how;
  how.fidelity = fidelity;
  how.check_laws = options.verify;
  out.timeline = sim::simulate(machine.links, out.step.graph, how);
  return out;
}

void assert_equal_unfolded(const Scenario& scenario, const StepModel& model,
                           const sim::Machine& machine, const PredictOptions& options,
                           const Simulated& folded) {
  constexpr std::int64_t kMostRanks = 512;  // beyond, the unfolded run takes too long to be a check
  if (!folded.fleet.folded || folded.fleet.world > kMostRanks) return;
  const Simulated full = run(scenario, model, machine, options, false);
  SIM_EXPECTS(full.timeline.makespan == folded.timeline.makespan,
              "folded and unfolded simulation disagree");
}

}  // namespace

Report predict(const Scenario& scenario, const PredictOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  Report report;
  report.scenario = scenario;
  const auto model = build_step(report.scenario, options.steps);
  sim::Machine machine = topologies::build_machine(scenario.cluster);
  slow_links(machine, scenario.faults);
  const Simulated result = run(report.scenario, *model, machine, options, options.fold);
  if (options.verify) assert_equal_unfolded(scenario, *model, machine, options, result);

  const sim::RankId last = last_rank(result.step, result.timeline);
  const auto stage = static_cast<std::size_t>(result.fleet.ranks[last.index()].stage);
  report.step_time = sim::Time::ps(result.timeline.makespan.count() / options.steps);
  report.breakdown =
      per_step(breakdown_of_rank(model->programs[stage], result.step, result.timeline, last),
               options.steps, report.step_time);
  report.bubble_fraction = report.breakdown.bubble.seconds() / report.step_time.seconds();
  rate(report, executed_flops(*model, scenario.plan) / static_cast<double>(options.steps));
  check_memory(report, *model);
  report.fold = {result.fleet.world, static_cast<std::int64_t>(result.fleet.ranks.size()),
                 result.fleet.folded, result.fleet.certificate};
  report.events = result.timeline.events;
  report.fidelity = options.fidelity == "auto" ? "flow" : options.fidelity;
  for (StageMemory& memory : report.stages) {
    const auto found = std::find_if(result.fleet.ranks.begin(), result.fleet.ranks.end(),
                                    [&](const auto& rank) { return rank.stage == memory.stage; });
    if (found != result.fleet.ranks.end()) memory.rank = found->rank;
  }
  add_slices(report, options.trace_ranks, *model, result.fleet, result.step, result.timeline);
  report.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return report;
}

}  // namespace scenarios
