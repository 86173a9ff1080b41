// The prediction operator by operator, for a look beside what the trainer's own clock says.
#include <algorithm>
#include <cstring>

#include "apps/mpi/verify.hpp"
#include "models/cost.hpp"
#include "models/operators.hpp"

namespace apps::mpi {
namespace {

class Sum {
 public:
  explicit Sum(const scenarios::Scenario& scenario) : scenario_(scenario) {}

  void add(const std::vector<models::Operator>& operators, double times) {
    for (const models::Operator& op : operators) {
      const auto found = std::find_if(kOpNames.begin(), kOpNames.end(), [&](const char* name) {
        return std::strcmp(name, op.name) == 0;
      });
      if (found == kOpNames.end()) continue;
      const auto index = static_cast<Op>(found - kOpNames.begin());
      seconds_[slot(index, Part::forward)] += times * cost(op, models::Pass::forward);
      seconds_[slot(index, Part::backward_data)] += times * cost(op, models::Pass::backward_data);
      seconds_[slot(index, Part::backward_weight)] +=
          times * cost(op, models::Pass::backward_weight);
    }
  }
  OperatorSeconds& seconds() { return seconds_; }

 private:
  double cost(const models::Operator& op, models::Pass pass) const {
    return models::cost(op, pass, scenario_.training.precision, scenario_.device,
                        scenario_.implementation.kernels)
        .seconds();
  }

  const scenarios::Scenario& scenario_;
  OperatorSeconds seconds_{};
};

}  // namespace

OperatorSeconds predicted_operators(const scenarios::Report& report, const TrainerPlan& plan) {
  const scenarios::Scenario& scenario = report.scenario;
  const models::Transformer& model = *scenario.model.transformer();
  const models::KernelProfile& kernels = scenario.implementation.kernels;
  models::Shard shard;
  shard.micro_batch = plan.micro_batch;
  shard.seq_len = scenario.training.seq_len;
  shard.tp = plan.tp;
  shard.precision = scenario.training.precision;
  shard.attention = scenario.training.attention;
  // A stage has its share of the layers; the mean one its share of embedding and head.
  const double passes = static_cast<double>(plan.micro_batches()) / plan.pp;
  Sum sum(scenario);
  const auto multiple = scenario.implementation.vocab_multiple;
  sum.add(models::layer_operators(model, models::LayerKind::dense, shard, kernels),
          passes * static_cast<double>(model.layers));
  sum.add(models::embedding_operators(model, shard, kernels, multiple), passes);
  sum.add(models::head_operators(model, shard, kernels, multiple), passes);
  const scenarios::Breakdown& b = report.breakdown;
  sum.seconds()[slot(Op::optimizer, Part::other)] = b.optimizer.seconds();
  sum.seconds()[slot(Op::collectives, Part::other)] = (b.exposed_tp + b.exposed_dp).seconds();
  sum.seconds()[slot(Op::stages, Part::other)] = (b.exposed_pp + b.bubble).seconds();
  return sum.seconds();
}

}  // namespace apps::mpi
