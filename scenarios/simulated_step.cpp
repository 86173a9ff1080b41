#include "scenarios/simulated_step.hpp"

#include <cmath>

#include "scenarios/network.hpp"

namespace scenarios {
namespace {

sim::Fidelity fidelity_of(const std::string& name) {
  return name == "analytic" ? sim::Fidelity::analytic : sim::Fidelity::flow;
}

}  // namespace

// The expected maximum of N normal deviates is about sqrt(2 ln N) standard deviations.
double slowest_of(const Scenario& scenario) {
  const auto world = static_cast<double>(scenario.plan.world_size());
  if (world < 2.0) return 1.0;
  return 1.0 + scenario.implementation.straggler * std::sqrt(2.0 * std::log(world));
}

double exchange_sm_share(const Scenario& scenario) {
  return static_cast<double>(scenario.implementation.expert_exchange_sms) /
         std::max(1, scenario.device.sm_count);
}

SimulatedStep simulate_step(const Scenario& scenario, const StepModel& model,
                            PredictionCache& cache, const PredictOptions& options, bool fold,
                            std::optional<sim::Time> deadline,
                            const strategies::Beginning* beginning) {
  SimulatedStep out;
  if (options.fidelity == "step") fold = false;  // every member of a collective takes its steps
  out.fleet = cache.fleet(scenario, model.plan, fold);
  const strategies::Network network{&cache.machine(),     fabric_of(scenario),
                                    library_of(scenario), host_memory_of(scenario),
                                    nvme_of(scenario),    exchange_sm_share(scenario)};
  const sim::Fidelity fidelity = fidelity_of(options.fidelity);
  out.step =
      strategies::lower(model.programs, *out.fleet, network, scenario.implementation,
                        {fidelity, options.fidelity == "step", slowest_of(scenario), beginning});
  sim::SimulateOptions how;
  how.fidelity = fidelity;
  how.check_laws = options.verify;
  how.deadline = deadline;
  how.left_out = out.step.left_out;
  out.timeline = sim::simulate(cache.machine().links, out.step.graph, how);
  return out;
}

}  // namespace scenarios
