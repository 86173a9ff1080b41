// The rows of `training:` and `strategy:`.
#include "scenarios/keys.hpp"

namespace scenarios {
namespace {

using strategies::Offload;
using strategies::Overlap;
using strategies::Plan;
using strategies::RecomputePlan;
using strategies::Training;

constexpr Range kDegree{1, 1 << 20};
constexpr Range kDegreeOrNone{0, 1 << 20};
constexpr Range kLayers{0, 1e4};
constexpr Range kAmount{0, 1e4};  // up to 1 a part, above 1 a number of layers

template <auto... Path>
constexpr Key<Draft> training(std::string_view path, std::string_view fallback,
                              std::string_view doc, Range range = {}) {
  return key<Draft, &Draft::training, Path...>(path, fallback, doc, range);
}

template <auto... Path>
constexpr Key<Draft> plan(std::string_view path, std::string_view fallback, std::string_view doc,
                          Range range = {}) {
  return key<Draft, &Draft::strategy, &PlanDraft::plan, Path...>(path, fallback, doc, range);
}

const std::vector<Key<Draft>> kTraining = {
    training<&Training::seq_len>("training.seq_len", "model.max_positions when learned, else 4096",
                                 "Tokens of a sequence.", {1, 1 << 27}),
    training<&Training::global_batch>("training.global_batch", "dp·micro_batch·pp",
                                      "Sequences per optimizer step.", {1, 1e9}),
    training<&Training::micro_batch>("training.micro_batch", "1",
                                     "Sequences per micro-batch per model replica.", {1, 1e6}),
    training<&Training::precision>("training.precision", "bf16; fp16 where the device has no bf16",
                                   "Of the matrix products."),
    training<&Training::optimizer>("training.optimizer", "adamw", "Optimizer."),
    training<&Training::grad_dtype>("training.grad_dtype", "by profile",
                                    "Of the accumulated gradients (fp32 | bf16 | fp16)."),
    training<&Training::master_weights>("training.master_weights", "true for precisions below fp32",
                                        "An fp32 copy of the parameters in the optimizer."),
    training<&Training::recompute, &RecomputePlan::mode>(
        "training.recompute", "none", "What backward computes again instead of keeping it."),
    training<&Training::recompute, &RecomputePlan::mode>("training.recompute.mode",
                                                         "selective with modules, else full",
                                                         "The same in the finer form."),
    training<&Training::recompute, &RecomputePlan::modules>(
        "training.recompute.modules", "by profile when selective",
        "Selective: the modules that are computed again."),
    training<&Training::recompute, &RecomputePlan::layers>(
        "training.recompute.layers", "0 (all)", "Full: how many layers of a chunk.", kLayers),
    training<&Training::recompute, &RecomputePlan::every>(
        "training.recompute.every", "1", "Full: keep a checkpoint every k layers.", {1, 1e4}),
    training<&Training::attention>("training.attention", "flash", "Attention kernel."),
    training<&Training::saved_activation_input>(
        "training.saved.activation_input", "native",
        "What inputs of GELU and SwiGLU are kept in for backward (Megatron-Core's "
        "activation_func_fp8_input_store)."),
    training<&Training::saved_attention_output>(
        "training.saved.attention_output", "native",
        "What attention's output is kept in, once for its own backward and its projection's."),
    training<&Training::fp8_recipe>("training.fp8_recipe", "delayed", "Scaling of fp8 tensors."),
    training<&Training::fp8_amax_reduce>(
        "training.fp8_amax_reduce", "by profile",
        "Delayed scaling: whose maxima are reduced after every pass. replicas: tp·cp·dp ranks; "
        "tensor: tp·cp (Megatron-Core's tp_only_amax_red); none: each rank its own."),
    training<&Training::moe_balance>("training.moe_balance", "balanced",
                                     "How evenly tokens spread over experts."),
    training<&Training::moe_imbalance>(
        "training.moe_imbalance", "0",
        "normal: standard deviation of an expert's tokens over the mean, beyond chance.", {0, 10}),
    training<&Training::moe_distribution>(
        "training.moe_distribution", "normal; shares when given",
        "Not balanced: how popular experts are. uniform: chance alone."),
    training<&Training::moe_alpha>(
        "training.moe_alpha", "none; zipf and dirichlet need one",
        "zipf: exponent of the popularity's fall; dirichlet: concentration of an expert.",
        {0, 100}),
    training<&Training::moe_shares>("training.moe_shares", "none",
                                    "shares: tokens of each expert, in their order on the ranks.",
                                    {0, 1e12}),
    training<&Training::compile>("training.compile", "by profile", "Graph-compiled kernels."),
    training<&Training::cuda_graph_experts>(
        "training.cuda_graph_experts", "true",
        "The graph holds the experts of mixture-of-experts layers, too."),
    training<&Training::cuda_graph_attention>(
        "training.cuda_graph_attention", "true",
        "The graph holds attention, with its projections and its norm, too."),
    training<&Training::cuda_graph>("training.cuda_graph", "false",
                                    "Kernels are replayed from a graph: no launch cost."),
    training<&Training::loss_chunks>("training.loss_chunks", "1",
                                     "The loss goes through the tokens in this many parts.",
                                     {1, 4096}),
    training<&Training::deallocate_early>(
        "training.deallocate_early", "false",
        "Stage outputs and cheaply rebuilt tensors are freed at once."),
};

const std::vector<Key<Draft>> kStrategy = {
    plan<&Plan::tp>("strategy.tp", "1", "Tensor-parallel ranks.", kDegree),
    plan<&Plan::sequence_parallel>("strategy.sequence_parallel", "false",
                                   "Norms and residuals are split over the tensor ranks too."),
    plan<&Plan::cp>("strategy.cp", "1", "Context-parallel ranks.", kDegree),
    plan<&Plan::cp_type>("strategy.cp_type", "by profile", "How keys and values travel."),
    plan<&Plan::cp_ulysses>("strategy.cp_ulysses", "1",
                            "hybrid: ranks of the groups that exchange heads; rings join these.",
                            kDegree),
    plan<&Plan::cp_balance>(
        "strategy.cp_balance", "head_tail",
        "An early and a late piece of a causal sequence for each rank, or one piece in order."),
    plan<&Plan::pp>("strategy.pp", "1", "Pipeline stages.", kDegree),
    plan<&Plan::vpp>("strategy.vpp", "1", "Model chunks per pipeline rank.", {1, 1024}),
    plan<&Plan::schedule>("strategy.schedule", "1f1b; interleaved when vpp > 1",
                          "Pipeline schedule; `stepcast list schedules` names them.", {1, 64}),
    plan<&Plan::micro_batch_group>("strategy.micro_batch_group", "pp",
                                   "Interleaved: micro-batches run per chunk in a row.", {0, 1e6}),
    plan<&Plan::max_in_flight>("strategy.max_in_flight", "pp",
                               "memory-bounded: micro-batches whose activations a stage holds.",
                               {0, 1e6}),
    key<Draft, &Draft::strategy, &PlanDraft::schedule_file>(
        "strategy.schedule_file", "none",
        "A schedule written by hand (.csv or .yaml, docs/schedules.md), relative to the scenario."),
    key<Draft, &Draft::strategy, &PlanDraft::layout>(
        "strategy.pp_layout.layout", "none",
        "Chunks in model order as Megatron writes them: E, t, m, L, |, (…)*n; E(t|)*30tL.",
        {1, 4096}),
    key<Draft, &Draft::strategy, &PlanDraft::stages>(
        "strategy.pp_layout.stages", "even",
        "Layers of each chunk in model order (pp·vpp numbers).", {0, 1e4}),
    plan<&Plan::embedding_as_layer>(
        "strategy.pp_layout.embedding_as_layer", "false",
        "Embedding and output head count as a layer each when layers are spread."),
    plan<&Plan::ep>("strategy.ep", "1", "Expert-parallel ranks.", kDegree),
    plan<&Plan::etp>("strategy.etp", "1", "Tensor-parallel ranks inside an expert.", kDegree),
    plan<&Plan::ep_dispatch>("strategy.ep_dispatch", "alltoall", "How tokens reach their experts."),
    plan<&Plan::ep_dispatch_dtype>("strategy.ep_dispatch_dtype", "bf16",
                                   "Tokens on their way to experts: bf16, or fp8 in an fp8 run."),
    plan<&Plan::dp>("strategy.dp", "gpus / (tp·cp·pp)", "Data-parallel replicas.", kDegree),
    plan<&Plan::zero>("strategy.zero", "0",
                      "Sharded: 1 optimizer, 2 and gradients, 3 and parameters.", {0, 3}),
    plan<&Plan::shard_group>("strategy.shard_group", "dp·cp",
                             "Ranks that share one sharded copy (HSDP when fewer than all).",
                             kDegree),
    plan<&Plan::secondary_shard>(
        "strategy.secondary_shard", "0 (none)",
        "ZeRO-3: backward gathers from a copy spread over so many ranks (hpZ).", kDegreeOrNone),
    plan<&Plan::reshard_after_forward>("strategy.reshard_after_forward", "by profile",
                                       "ZeRO-3: gathered parameters are dropped after forward."),
    plan<&Plan::grad_reduce>(
        "strategy.grad_reduce", "step",
        "Gradients are reduced once a step, after every micro-batch, or in two "
        "hops: within shard groups each time, between them once (MiCS)."),
    plan<&Plan::gather_group>(
        "strategy.gather_group", "0 (none)",
        "ZeRO-3: parameters are gathered between parts of so many ranks (a node's) first, then "
        "inside each (MiCS).",
        kDegreeOrNone),
    plan<&Plan::overlap, &Overlap::grad_reduce>("strategy.overlap.grad_reduce", "by profile",
                                                "Gradient reduction runs under backward."),
    plan<&Plan::overlap, &Overlap::param_gather>("strategy.overlap.param_gather", "by profile",
                                                 "Parameter gathering runs under compute."),
    plan<&Plan::overlap, &Overlap::tp>("strategy.overlap.tp", "by profile",
                                       "Tensor-parallel communication runs under its products."),
    plan<&Plan::overlap, &Overlap::p2p>("strategy.overlap.p2p", "by profile",
                                        "Pipeline sends and receives run under compute."),
    plan<&Plan::overlap, &Overlap::ep_passes>(
        "strategy.overlap.ep_passes", "false",
        "Exchanges of tokens run beside another micro-batch's pass (combined 1F1B)."),
    plan<&Plan::overlap, &Overlap::delay_wgrad>(
        "strategy.overlap.delay_wgrad", "false",
        "Weight gradients of experts run beside the exchange behind their input gradients."),
    plan<&Plan::overlap, &Overlap::ep>("strategy.overlap.ep", "false",
                                       "The experts' combine runs beside the shared expert."),
    training<&Training::quantized_weights>("strategy.quantized_weights", "false",
                                           "ZeRO++: parameters are gathered as 8-bit blocks."),
    training<&Training::quantized_gradients>("strategy.quantized_gradients", "false",
                                             "ZeRO++: gradients are reduced as 4-bit blocks."),
    plan<&Plan::offload, &Offload::optimizer>(
        "strategy.offload.optimizer", "0",
        "Optimizer state in host memory: a part up to 1, or a number of layers above 1.", kAmount),
    plan<&Plan::offload, &Offload::parameters>("strategy.offload.parameters", "0",
                                               "Parameters in host memory, likewise.", kAmount),
    plan<&Plan::offload, &Offload::activations>("strategy.offload.activations", "0",
                                                "Saved activations in host memory, likewise.",
                                                kAmount),
    plan<&Plan::offload, &Offload::nvme>(
        "strategy.offload.nvme", "false",
        "What is offloaded lies on the node's NVMe drives instead of in host memory."),
    plan<&Plan::rank_order>("strategy.rank_order", "by profile",
                            "Order of the dimensions over ranks, fastest first.", {1, 64}),
};

}  // namespace

std::span<const Key<Draft>> training_keys() { return kTraining; }
std::span<const Key<Draft>> strategy_keys() { return kStrategy; }

}  // namespace scenarios
