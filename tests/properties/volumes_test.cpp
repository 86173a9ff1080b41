// Bytes of collectives in random compositions against their formulas, stage by stage.
#include <catch2/catch.hpp>

#include <cstdlib>
#include <map>

#include "random_composition.hpp"
#include "scenarios/report.hpp"
#include "scenarios/step_model.hpp"
#include "strategies/low_precision.hpp"
#include "strategies/states.hpp"

using namespace properties;
using collectives::Kind;
using strategies::GroupKind;

namespace {

std::uint64_t compositions_wanted() {
  const char* text = std::getenv("STEPCAST_COMPOSITIONS");
  return text == nullptr ? 300 : std::strtoull(text, nullptr, 10);
}

// What one stage moves.
class Moved {
 public:
  explicit Moved(const strategies::Program& program) {
    for (const strategies::Op& op : program.ops()) {
      if (op.kind == strategies::OpKind::compute || op.kind == strategies::OpKind::receive)
        continue;
      bytes_[{op.group, op.collective}] += op.bytes.as_double();
    }
  }
  double of(GroupKind group, Kind kind) const {
    const auto found = bytes_.find({group, kind});
    return found == bytes_.end() ? 0.0 : found->second;
  }

 private:
  std::map<std::pair<GroupKind, Kind>, double> bytes_;
};

struct Stage {
  const strategies::StepContext& context;
  const Moved moved;
  double layers = 0.0;       // passes of layers with experts, per micro-batch and direction
  double micro_batches = 0;  // that each of its chunks sees
  double chunks = 0.0;

  Stage(const strategies::StepContext& c, const strategies::Program& program)
      : context(c), moved(program) {
    const bool both = c.plan->pp > 1 && strategies::holds_two_copies(c.plan->schedule);
    micro_batches = static_cast<double>(c.micro_batches) / (both ? 2.0 : 1.0);
    chunks = static_cast<double>(c.chunks.size());
    for (const auto& chunk : c.chunks) {
      for (const auto& unit : chunk.units) layers += unit.cost->is_layer ? 1.0 : 0.0;
    }
  }
};

bool near(double a, double b) { return a == Approx(b).epsilon(1e-6).margin(64.0); }

// Gradients are reduced once a step or once a micro-batch; with ZeRO-1 and 2 parameters come back.
void check_data_parallel(const Stage& stage) {
  const strategies::StepContext& c = stage.context;
  const strategies::Plan& plan = *c.plan;
  if (c.data_parallel() == 1) return;
  const double held = static_cast<double>(strategies::stage_parameters(c).dense);
  const double times = plan.grad_reduce == strategies::GradReduce::step ? 1.0 : stage.micro_batches;
  const double gradients =
      held * strategies::gradient_wire_bytes(*c.training, *c.implementation) * times;
  const bool sharded = plan.zero > 0;
  const bool alone = plan.shard_group == 1;  // a shard group of one has nothing to scatter
  if (!(plan.zero == 3 && alone)) {
    CHECK(near(stage.moved.of(GroupKind::shard, sharded ? Kind::reduce_scatter : Kind::all_reduce),
               gradients));
  }
  if (sharded && plan.shard_group < c.data_parallel()) {
    const double sums = plan.grad_reduce == strategies::GradReduce::two_hop ? 1.0 : times;
    CHECK(stage.moved.of(GroupKind::replicate, Kind::all_reduce) ==
          Approx(gradients / times * sums / static_cast<double>(plan.shard_group)).epsilon(1e-4));
  }
  if ((plan.zero == 1 || plan.zero == 2) && !alone) {
    CHECK(near(stage.moved.of(GroupKind::shard, Kind::all_gather),
               held * strategies::gathered_parameter_bytes(*c.training, *c.implementation)));
  }
}

// Every layer sends its tokens out and back, forward and backward; recomputed ones do so again.
void check_experts(const Stage& stage) {
  const strategies::StepContext& c = stage.context;
  const strategies::Plan& plan = *c.plan;
  if (!c.model->transformer()->moe || plan.ep == 1) return;
  if (c.training->recompute.mode == strategies::Recompute::full) return;
  const double exchanges = 4.0 * stage.layers * stage.micro_batches;
  const double copies = c.costs->dispatched_tokens().as_double();
  // Routing weights go out and their gradients come back: half as often as tokens travel.
  const double element = std::max(2.0, models::element_bytes(c.training->precision));
  const double hidden = static_cast<double>(c.model->transformer()->hidden) * element;
  const double experts = static_cast<double>(c.model->transformer()->moe->experts);
  if (plan.ep_dispatch == strategies::EpDispatch::alltoall) {
    CHECK(near(stage.moved.of(GroupKind::expert, Kind::all_to_all),
               exchanges * copies * (1.0 + 2.0 / hidden)));
  }
  if (plan.ep_dispatch == strategies::EpDispatch::allgather) {
    const double all = c.costs->hidden_state().as_double() * static_cast<double>(plan.ep) /
                       static_cast<double>(plan.sequence_parallel ? plan.tp : 1);
    CHECK(near(stage.moved.of(GroupKind::expert, Kind::all_gather),
               exchanges / 2.0 * all * (1.0 + 2.5 * experts / hidden)));
    CHECK(near(stage.moved.of(GroupKind::expert, Kind::reduce_scatter),
               exchanges / 2.0 * all * (1.0 + 2.0 * experts / hidden)));
  }
}

// Three maxima a product forward, two backward, in fp32.
void check_maxima(const Stage& stage) {
  const strategies::StepContext& c = stage.context;
  const auto group = strategies::amax_group(*c.training);
  if (!group || c.training->recompute.mode == strategies::Recompute::full) return;
  double products = 0.0;
  for (const auto& chunk : c.chunks) {
    for (const auto& unit : chunk.units) {
      products += static_cast<double>(unit.cost->quantised_products);
    }
  }
  CHECK(stage.moved.of(*group, Kind::all_reduce) ==
        20.0 * products * stage.micro_batches * stage.chunks);
}

// A message a micro-batch and boundary, each way; over all stages.
void check_pipeline(const std::vector<Stage>& stages) {
  const strategies::StepContext& c = stages.front().context;
  const strategies::Plan& plan = *c.plan;
  if (plan.pp == 1) return;
  double sent = 0.0;
  for (const Stage& stage : stages) {
    sent += stage.moved.of(GroupKind::next_stage, Kind::send_recv) +
            stage.moved.of(GroupKind::previous_stage, Kind::send_recv);
  }
  const double message = c.costs->hidden_state().as_double() /
                         static_cast<double>(plan.sequence_parallel ? plan.tp : 1);
  // The turn of a V stays on its stage.
  const bool folded = c.schedule->placement == strategies::Placement::v_shape;
  const double boundaries = static_cast<double>(plan.pp * plan.vpp - 1 - (folded ? 1 : 0));
  CHECK(near(sent, 2.0 * boundaries * static_cast<double>(c.micro_batches) * message));
}

// Queries, keys, values and outputs change hands; or keys and values go round.
void check_context(const Stage& stage) {
  const strategies::StepContext& c = stage.context;
  const strategies::Plan& plan = *c.plan;
  if (plan.cp == 1 || c.training->recompute.mode == strategies::Recompute::full) return;
  const double passes = stage.layers * stage.micro_batches;
  const double both =
      c.costs->queries_keys_values().as_double() + c.costs->attention_output().as_double();
  const double kv = c.costs->keys_and_values().as_double() * passes;
  const auto cp = static_cast<double>(plan.cp);
  switch (plan.cp_type) {
    case strategies::CpType::ulysses:
      CHECK(near(stage.moved.of(GroupKind::context, Kind::all_to_all), 2.0 * both * passes));
      return;
    case strategies::CpType::hybrid:
      CHECK(near(stage.moved.of(GroupKind::context_heads, Kind::all_to_all), 2.0 * both * passes));
      if (plan.cp_ulysses == plan.cp) return;
      CHECK(near(stage.moved.of(GroupKind::context_ring, Kind::all_gather),
                 3.0 * kv * cp / static_cast<double>(plan.cp_ulysses)));
      return;
    case strategies::CpType::ring:
      CHECK(near(stage.moved.of(GroupKind::context, Kind::all_gather), 3.0 * kv * cp));
      return;
    case strategies::CpType::allgather:
      CHECK(near(stage.moved.of(GroupKind::context, Kind::all_gather), 2.0 * kv * cp));
      CHECK(near(stage.moved.of(GroupKind::context, Kind::reduce_scatter), kv * cp));
      return;
  }
}

}  // namespace

TEST_CASE("random compositions move the bytes of the formulas") {
  const std::uint64_t count = compositions_wanted();
  for (std::uint64_t seed = 1; seed <= count; ++seed) {
    const Composition composition = random_composition(seed);
    INFO(composition.name << ": " << composition.strategy << ", " << composition.training);
    const auto scenario = read(composition);
    const auto model = scenarios::build_step(scenario, 1);
    std::vector<Stage> stages;
    for (std::size_t s = 0; s < model->stages.size(); ++s) {
      stages.emplace_back(model->stages[s], model->programs[s]);
    }
    for (const Stage& stage : stages) {
      check_data_parallel(stage);
      check_experts(stage);
      check_context(stage);
      check_maxima(stage);
    }
    check_pipeline(stages);
  }
}
