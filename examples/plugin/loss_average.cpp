// A plug-in with one strategy: data-parallel replicas average their loss after every micro-batch,
// as training loops that log it do. docs/plugin.md explains it line by line.
#include "strategies/plugin.hpp"

namespace {

using namespace strategies;

class LossAverage final : public Strategy {
 public:
  using Strategy::Strategy;

  void after_region(Emitter& emitter, const Pass& pass, const Unit&,
                    models::Region region) override {
    if (region != models::Region::loss || pass.kind != PassKind::forward) return;
    // One fp32 number. What follows waits: the loop prints it.
    emitter.wait(emitter.collective({GroupKind::shard, collectives::Kind::all_reduce, sim::Bytes{4},
                                     Stream::reduce, Activity::dp, false, "loss average"}));
  }
};

std::unique_ptr<Strategy> make_loss_average(const StepContext& context) {
  return std::make_unique<LossAverage>(context);
}

constexpr StrategyEntry kEntries[] = {
    {"loss average", "dp", "replicas average their loss every micro-batch",
     [](const Plan& plan) { return plan.dp > 1; }, &make_loss_average}};

constexpr PluginTable kTable{.entries = kEntries, .count = 1};

}  // namespace

extern "C" const PluginTable* stepcast_plugin() { return &kTable; }
