// The table of strategies. Adding one: a file with its class, and a line here (docs/adding.md).
#include <array>

#include "strategies/strategy.hpp"

namespace strategies {
namespace {

constexpr std::array kTable{
    StrategyEntry{"pipeline parallel", "pp",
                  "layers are split over stages; activations pass between them",
                  [](const Plan& plan) { return plan.pp > 1; }, &make_pipeline_parallel},
    StrategyEntry{"offload", "host", "activations and parameters in host memory, copied over PCIe",
                  [](const Plan& plan) {
                    return plan.offload.activations > 0.0 || plan.offload.parameters > 0.0;
                  },
                  &make_offload},
    StrategyEntry{"fully sharded data parallel", "dp",
                  "ZeRO-3: parameters are gathered layer by layer, gradients scattered",
                  [](const Plan& plan) { return plan.zero == 3; }, &make_fully_sharded},
    StrategyEntry{"data parallel", "dp",
                  "replicas reduce their gradients; ZeRO-1 and 2 shard optimizer and gradients",
                  [](const Plan& plan) { return plan.zero < 3; }, &make_data_parallel},
    StrategyEntry{"quantised exchange", "dp",
                  "ZeRO++: parameters travel as 8-bit blocks, gradients as 4-bit ones",
                  [](const Plan& plan) { return plan.zero > 0; }, &make_quantised},
    StrategyEntry{"tensor parallel", "tp",
                  "matrices are split over ranks; with sequence parallelism activations too",
                  [](const Plan& plan) { return plan.tp > 1; }, &make_tensor_parallel},
    StrategyEntry{"context parallel", "cp",
                  "the sequence is split; attention exchanges keys and values",
                  [](const Plan& plan) { return plan.cp > 1; }, &make_context_parallel},
    StrategyEntry{"expert parallel", "ep",
                  "experts are split over ranks; tokens travel to their experts and back",
                  [](const Plan& plan) { return plan.ep > 1 || plan.etp > 1; },
                  &make_expert_parallel},
    StrategyEntry{"graph copies", "ep",
                  "graphs of a part of a layer take their inputs from fixed places",
                  [](const Plan&) { return true; }, &make_graph_copies},
    StrategyEntry{"delayed scaling", "dp",
                  "maxima of fp8 tensors are reduced after every pass and make new scales",
                  [](const Plan&) { return true; }, &make_delayed_scaling},
    StrategyEntry{"mirrored stages", "pp",
                  "stages from both ends hold the same layers (DualPipe) and add up gradients",
                  [](const Plan& plan) { return plan.pp > 1 && holds_two_copies(plan.schedule); },
                  &make_mirrored_stages},
    // After all that reduce gradients.
    StrategyEntry{"optimizer on the host", "host",
                  "gradients go down over PCIe, the host updates, parameters come up",
                  [](const Plan& plan) { return plan.offload.optimizer > 0.0; },
                  &make_host_optimizer},
};

}  // namespace

std::span<const StrategyEntry> strategy_table() { return kTable; }

}  // namespace strategies
