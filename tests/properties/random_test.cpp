// Laws over random compositions of strategies: 300 of them, or as many as
// STEPCAST_COMPOSITIONS says. A composition that breaks a law is printed as a scenario file.
#include <catch2/catch.hpp>

#include <cstdlib>

#include "random_composition.hpp"
#include "scenarios/report.hpp"
#include "scenarios/step_model.hpp"
#include "strategies/schedule.hpp"
#include "strategies/states.hpp"

using namespace properties;

namespace {

std::uint64_t compositions_wanted() {
  const char* text = std::getenv("STEPCAST_COMPOSITIONS");
  return text == nullptr ? 300 : std::strtoull(text, nullptr, 10);
}

std::string as_yaml(const Composition& c) {
  return fmt::format(
      "name: {}\nmodel: {}\ncluster: {{{}, gpus: {}}}\ntraining: {{{}}}\nstrategy: {}\n"
      "implementation: {}\n",
      c.name, c.model, c.cluster, c.gpus, c.training, c.strategy, c.implementation);
}

struct Totals {
  double flops = 0.0;                // of the products of forward, backward and weight gradients
  double dense = 0.0, expert = 0.0;  // parameters over all ranks, divided by their replication
};

Totals totals(const scenarios::Scenario& scenario, const scenarios::StepModel& model) {
  Totals out;
  const strategies::Plan& plan = model.plan;
  const auto replicas = static_cast<double>(plan.tp * plan.cp * plan.dp);
  for (const strategies::Program& program : model.programs) {
    for (const strategies::Op& op : program.ops()) {
      if (op.activity != strategies::Activity::recompute) out.flops += op.flops * replicas;
    }
  }
  for (const strategies::StepContext& stage : model.stages) {
    const strategies::ParameterSet held = strategies::stage_parameters(stage);
    // A bidirectional pipeline holds everything twice.
    const double copies = strategies::holds_two_copies(plan.schedule) && plan.pp > 1 ? 2.0 : 1.0;
    out.dense += static_cast<double>(held.dense * plan.tp) / copies;
    out.expert += static_cast<double>(held.expert * plan.ep * plan.etp) / copies;
  }
  out.flops /= static_cast<double>(scenario.training.global_batch);
  return out;
}

// The same model and recipe on one device, without anything split.
scenarios::Scenario alone(const Composition& c) {
  Composition one = c;
  one.gpus = 1;
  one.strategy = "{tp: 1}";
  one.training = "seq_len: 512, global_batch: 1, micro_batch: 1";
  return read(one);
}

void check_states(const scenarios::StepModel& model) {
  using sim::MemoryCategory;
  for (std::size_t s = 0; s < model.programs.size(); ++s) {
    const auto now = strategies::replay_memory(model.programs[s]).now();
    CHECK(now[static_cast<std::size_t>(MemoryCategory::activations)] == sim::Bytes{0});
    CHECK(now[static_cast<std::size_t>(MemoryCategory::buffers)] == sim::Bytes{0});
    // Sharded over more ranks, a stage never holds more of its parameters.
    strategies::StepContext context = model.stages[s];
    strategies::Plan wider = model.plan;
    const strategies::ParameterSet held = strategies::stage_parameters(context);
    const sim::Bytes narrow = strategies::parameter_memory(context, held);
    CHECK(narrow >= strategies::secondary_memory(context, held));
    wider.shard_group *= 2;
    context.plan = &wider;
    CHECK(strategies::parameter_memory(context, held) <= narrow);
  }
}

}  // namespace

TEST_CASE("random compositions conserve work and parameters, and give back their memory") {
  const std::uint64_t count = compositions_wanted();
  for (std::uint64_t seed = 1; seed <= count; ++seed) {
    const Composition composition = random_composition(seed);
    INFO(as_yaml(composition));
    const auto scenario = read(composition);
    const auto model = scenarios::build_step(scenario, 1);
    const auto single = alone(composition);
    const Totals split = totals(scenario, *model);
    const Totals whole = totals(single, *scenarios::build_step(single, 1));
    // Norms, routing and biases of a stage are on every tensor rank: below 2 % of the parameters.
    CHECK(split.flops == Approx(whole.flops).epsilon(2e-2));
    CHECK(split.dense == Approx(whole.dense).epsilon(2e-2));
    CHECK(split.expert == Approx(whole.expert).epsilon(1e-9));
    check_states(*model);
  }
}

TEST_CASE("random compositions never wait for ever, and fold to the same picosecond") {
  const std::uint64_t count = compositions_wanted();
  for (std::uint64_t seed = 1; seed <= count; ++seed) {
    const Composition composition = random_composition(seed);
    INFO(as_yaml(composition));
    const auto scenario = read(composition);
    scenarios::PredictOptions options;
    options.verify = true;
    const auto folded = scenarios::predict(scenario, options);
    CHECK(folded.step_time > sim::Time::zero());
    options.fold = false;
    CHECK(scenarios::predict(scenario, options).step_time == folded.step_time);
  }
}
