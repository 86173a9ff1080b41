// The rows of `implementation:` (a profile), and all rows together.
#include "scenarios/keys.hpp"

namespace scenarios {
namespace {

using models::KernelProfile;
using strategies::Implementation;
using strategies::Overlap;

constexpr Range kTime{0, 3600e12};
constexpr Range kCheck{0, 1e12};  // times a million members it still is a sim::Time
constexpr Range kSlice{0, 1e8};   // 100 us: times a thousand tensors a layer, layers and ranks
constexpr Range kBytes{0, 1e15};
constexpr Range kShare{0, 1};

template <auto... Path>
constexpr Key<Draft> profile(std::string_view path, std::string_view doc, Range range = {}) {
  return key<Draft, &Draft::implementation, Path...>(path, "by profile", doc, range);
}

template <auto Member>
constexpr Key<Draft> kernels(std::string_view path, std::string_view doc, Range range = {}) {
  return profile<&Implementation::kernels, Member>(path, doc, range);
}

template <auto Member>
constexpr Key<Draft> overlap(std::string_view path) {
  return profile<&Implementation::overlap, Member>(path,
                                                   "Default of the key of this name in strategy.");
}

const std::vector<Key<Draft>> kProfile = {
    key<Draft, &Draft::strategy, &PlanDraft::implementation>(
        "implementation.base", "megatron-core",
        "Catalogue profile of a code base; `implementation: NAME` is short for it."),
    kernels<&KernelProfile::fused_norm>("implementation.kernels.fused_norm",
                                        "A norm is one kernel."),
    kernels<&KernelProfile::fp32_norm_input>("implementation.kernels.fp32_norm_input",
                                             "Norms read an fp32 copy of their input."),
    kernels<&KernelProfile::norms_run_again>(
        "implementation.kernels.norms_run_again",
        "Backward runs norms and the residual sums before them again."),
    kernels<&KernelProfile::fused_softmax>("implementation.kernels.fused_softmax",
                                           "Math attention: mask, scale, softmax are one kernel."),
    kernels<&KernelProfile::fused_activation>("implementation.kernels.fused_activation",
                                              "Bias and activation are one kernel."),
    kernels<&KernelProfile::fused_bias_dropout>("implementation.kernels.fused_bias_dropout",
                                                "Bias, dropout, residual are one kernel."),
    kernels<&KernelProfile::fused_rope>("implementation.kernels.fused_rope",
                                        "Rotary embedding is one kernel."),
    kernels<&KernelProfile::fused_cross_entropy>("implementation.kernels.fused_cross_entropy",
                                                 "No fp32 copy of the logits is made."),
    kernels<&KernelProfile::fused_optimizer>("implementation.kernels.fused_optimizer",
                                             "The optimizer is one multi-tensor kernel."),
    kernels<&KernelProfile::separate_projections>(
        "implementation.kernels.separate_projections",
        "Queries, keys and values, gate and up are products of their own."),
    kernels<&KernelProfile::complex_rope>("implementation.kernels.complex_rope",
                                          "Rotary embedding by complex products, never compiled."),
    kernels<&KernelProfile::fp8_recast>(
        "implementation.kernels.fp8_recast",
        "fp8 products keep 16-bit inputs and cast them again in backward."),
    kernels<&KernelProfile::joined_qkv_gradient>(
        "implementation.kernels.joined_qkv_gradient",
        "Backward concatenates the gradients of queries, keys and values."),
    kernels<&KernelProfile::interleaved_qkv>(
        "implementation.kernels.interleaved_qkv",
        "Queries, keys and values of a group lie side by side: queries of several groups are "
        "copied out, gradients joined where rotary embedding or a norm left them apart."),
    kernels<&KernelProfile::metric_bytes>(
        "implementation.kernels.metric_bytes",
        "Bytes an element of logits that training metrics move besides the loss.", {0, 64}),
    kernels<&KernelProfile::fused_permutation>(
        "implementation.kernels.fused_permutation",
        "Experts' tokens are copied, scaled and added up by kernels made for it; else by PyTorch's "
        "sort, gathers, fp32 products and atomic sums, never compiled."),
    kernels<&KernelProfile::grouped_kernel>(
        "implementation.kernels.grouped_kernel",
        "Products of all experts are one kernel, not a call an expert."),
    kernels<&KernelProfile::dropout>("implementation.kernels.dropout", "Trained with dropout."),
    kernels<&KernelProfile::compiled>("implementation.kernels.compiled",
                                      "Default of training.compile."),
    kernels<&KernelProfile::weight_gradient_accumulation_fused>(
        "implementation.kernels.weight_gradient_accumulation_fused",
        "Weight-gradient products add into the fp32 gradient."),
    kernels<&KernelProfile::flash_attention_2>("implementation.kernels.flash_attention_2",
                                               "FlashAttention-2 even where newer ones exist."),
    kernels<&KernelProfile::flash_attention_1>(
        "implementation.kernels.flash_attention_1",
        "The first FlashAttention's kernels (CUDA or Triton of 2022)."),
    kernels<&KernelProfile::launch>("implementation.kernels.launch",
                                    "Host time to issue one kernel.", kTime),
    kernels<&KernelProfile::gemm_factor>("implementation.kernels.gemm_factor",
                                         "Rate of matrix products against the device's.",
                                         {0, 2, true}),
    overlap<&Overlap::grad_reduce>("implementation.overlap.grad_reduce"),
    overlap<&Overlap::param_gather>("implementation.overlap.param_gather"),
    overlap<&Overlap::tp>("implementation.overlap.tp"),
    overlap<&Overlap::p2p>("implementation.overlap.p2p"),
    profile<&Implementation::cp_type>("implementation.cp_type", "Default of strategy.cp_type."),
    profile<&Implementation::rank_order>("implementation.rank_order",
                                         "Default of strategy.rank_order.", {1, 64}),
    profile<&Implementation::grad_dtype>("implementation.grad_dtype",
                                         "Default of training.grad_dtype."),
    profile<&Implementation::fp8_amax_reduce>("implementation.fp8_amax_reduce",
                                              "Default of training.fp8_amax_reduce."),
    profile<&Implementation::reshard_after_forward>("implementation.reshard_after_forward",
                                                    "Default of strategy.reshard_after_forward."),
    profile<&Implementation::stages_by_parameters>(
        "implementation.stages_by_parameters",
        "Layers and output projection are dealt to pipeline stages by their parameters."),
    profile<&Implementation::host_limits>("implementation.host_limits",
                                          "The host can hold the device up."),
    profile<&Implementation::fp8_parameter_gather>(
        "implementation.fp8_parameter_gather",
        "ZeRO-1: fp8 runs gather the new parameters in fp8."),
    profile<&Implementation::scatter_gather_p2p>(
        "implementation.scatter_gather_p2p",
        "Without sequence parallelism a stage sends 1/tp a rank and gathers on arrival."),
    profile<&Implementation::fp32_sharded_parameters>(
        "implementation.fp32_sharded_parameters",
        "The sharded copy of the parameters is fp32 and is the master copy (FSDP)."),
    profile<&Implementation::p2p_synchronises>("implementation.p2p_synchronises",
                                               "The host waits for each pipeline transfer."),
    profile<&Implementation::keeps_stage_outputs>(
        "implementation.keeps_stage_outputs",
        "Pipeline: a stage's output stays until its backward, with buffers to receive into."),
    profile<&Implementation::step_host_time>("implementation.step_host_time",
                                             "Host work once a step.", kTime),
    profile<&Implementation::backward_launch>(
        "implementation.backward_launch",
        "Host time to issue a kernel of backward; 0 = as kernels.launch.", kTime),
    profile<&Implementation::collective_launch>(
        "implementation.collective_launch",
        "Host time to issue a collective or a send; 0 = as kernels.launch.", kTime),
    profile<&Implementation::peer_launches>(
        "implementation.peer_launches",
        "When collectives cost peer_launch (TORCH_DISTRIBUTED_DEBUG=DETAIL, lists of "
        "tensors); pipelines: with stages over several nodes."),
    profile<&Implementation::peer_launch>(
        "implementation.peer_launch",
        "Host time for each member before a collective of a group inside a node.", kCheck),
    profile<&Implementation::inter_node_peer_launch>(
        "implementation.inter_node_peer_launch",
        "Host time for each member before a collective of a group over several nodes.", kCheck),
    profile<&Implementation::launch_blocking>(
        "implementation.launch_blocking",
        "The host waits for each kernel (CUDA_LAUNCH_BLOCKING=1)."),
    profile<&Implementation::expert_exchange_sms>(
        "implementation.expert_exchange_sms",
        "Multiprocessors of the node-limited exchange of tokens; 0 = as the library.", {0, 1024}),
    profile<&Implementation::library_version>("implementation.library_version",
                                              "NCCL release whose constants apply.", {1, 32}),
    profile<&Implementation::ideal_communication>("implementation.ideal_communication",
                                                  "Full link rate, no latency."),
    profile<&Implementation::bucket>("implementation.bucket", "Gradient reduction bucket.", kBytes),
    profile<&Implementation::layer_buckets>("implementation.layer_buckets", "One bucket a layer."),
    profile<&Implementation::gathers_per_layer>(
        "implementation.gathers_per_layer",
        "ZeRO-3: collectives that a layer's parameters take, and its gradients.", {1, 1000}),
    profile<&Implementation::serial_data_collectives>(
        "implementation.serial_data_collectives",
        "Gathers of parameters and reductions of gradients run one after the other, as issued."),
    profile<&Implementation::gather_synchronises>(
        "implementation.gather_synchronises",
        "ZeRO-3: the host waits for the device before and after each gather."),
    profile<&Implementation::prefetch_layers>("implementation.prefetch_layers",
                                              "ZeRO-3: layers gathered ahead.", {0, 1000}),
    profile<&Implementation::keeps_last_gathered>(
        "implementation.keeps_last_gathered",
        "ZeRO-3: the last layer and the head stay gathered from forward to backward."),
    profile<&Implementation::gather_copy_bytes>(
        "implementation.gather_copy_bytes",
        "ZeRO-3: bytes moved to take a gathered parameter out of its buffer.", {0, 64}),
    profile<&Implementation::reduce_copy_bytes>(
        "implementation.reduce_copy_bytes",
        "Bytes moved to put a gradient into the buffer that is reduced.", {0, 64}),
    profile<&Implementation::reduces_whole_gradients>(
        "implementation.reduces_whole_gradients",
        "ZeRO-1 all-reduces gradients instead of reduce-scattering them."),
    profile<&Implementation::zero_reduces_after_backward>(
        "implementation.zero_reduces_after_backward",
        "ZeRO-1: gradients are reduced at once, when backward is over."),
    profile<&Implementation::listed_tensors>("implementation.listed_tensors",
                                             "ZeRO-1 without overlap.param_gather: tensors of a "
                                             "layer gathered as lists of a slice a rank; "
                                             "0 = one flat buffer.",
                                             {0, 64}),
    profile<&Implementation::list_slice>(
        "implementation.list_slice",
        "Host time for each slice of such a tensor: taken, joined, copied back.", kSlice),
    profile<&Implementation::averages_gradients>(
        "implementation.averages_gradients",
        "Gradients are divided by the data-parallel size in a pass of their own."),
    profile<&Implementation::clips_all_gradients>(
        "implementation.clips_all_gradients",
        "ZeRO-1: norm and clipping pass over all gradients, not only the shard's."),
    profile<&Implementation::broadcasts_per_layer>(
        "implementation.broadcasts_per_layer",
        "ZeRO-1: broadcasts of a layer's new tensors by their owners; 0 = all-gather.", {0, 1000}),
    profile<&Implementation::fp8_gather>(
        "implementation.fp8_gather",
        "Tensorwise fp8: parameters and tensor-parallel inputs are gathered in one byte."),
    profile<&Implementation::tp_keeps_gathered>(
        "implementation.tp_keeps_gathered",
        "Gathered inputs are kept for backward instead of gathered again."),
    profile<&Implementation::tp_backward_overlap>(
        "implementation.tp_backward_overlap",
        "Weight-gradient products overlap the tensor-parallel communication of backward."),
    profile<&Implementation::overlap_slowdown>("implementation.overlap_slowdown",
                                               "Extra on a transfer while it overlaps compute.",
                                               {0, 10}),
    profile<&Implementation::grad_reduce_element_bytes>(
        "implementation.grad_reduce_element_bytes", "Bytes of a gradient on the wire; 0 = its own.",
        {0, 8}),
    profile<&Implementation::straggler>("implementation.straggler",
                                        "Relative standard deviation of a rank's step.", kShare),
    profile<&Implementation::vocab_multiple>("implementation.vocab_multiple",
                                             "The vocabulary is padded to a multiple of this·tp.",
                                             {1, 1 << 20}),
    profile<&Implementation::context>("implementation.context",
                                      "Driver and runtime context, outside the allocator.", kBytes),
    profile<&Implementation::communicator>("implementation.communicator",
                                           "Per communicator, outside the allocator.", kBytes),
    profile<&Implementation::pair_communicators>(
        "implementation.pair_communicators",
        "Pipeline: a communicator with each neighbour instead of one for all stages."),
    profile<&Implementation::framework_workspace>("implementation.framework_workspace",
                                                  "Workspaces inside the allocator.", kBytes),
    profile<&Implementation::allocator_overhead>("implementation.allocator_overhead",
                                                 "Reserved = allocated·(1 + this).", {0, 10}),
    kernels<&KernelProfile::compiles_loss>(
        "implementation.compiles_loss",
        "`training.compile` covers the loss: logits and their gradient in 16 bits are all."),
    kernels<&KernelProfile::logits_bytes>("implementation.logits_bytes",
                                          "Bytes an element of logits at the peak of the loss.",
                                          {0, 64}),
    kernels<&KernelProfile::packed_qkv_stays>(
        "implementation.packed_qkv_stays",
        "Attention keeps the block of queries, keys and values for its queries."),
    kernels<&KernelProfile::transposes_attention_output>(
        "implementation.transposes_attention_output",
        "With several sequences the output projection keeps a transposed copy of its input."),
    kernels<&KernelProfile::stand_in_gradients>(
        "implementation.stand_in_gradients",
        "Fused weight gradients leave an empty 16-bit gradient, kept a shape of weight."),
    profile<&Implementation::low_precision_gradients_stay>(
        "implementation.low_precision_gradients_stay",
        "16-bit gradients stay beside the fp32 sums."),
    profile<&Implementation::micro_batch_gradients>(
        "implementation.micro_batch_gradients",
        "16-bit gradients beside the fp32 sums live until a micro-batch's backward ends."),
    profile<&Implementation::gradient_buckets>(
        "implementation.gradient_buckets",
        "Data parallel without ZeRO: buckets as large as all 16-bit gradients stay (DDP)."),
    profile<&Implementation::flat_parameter_gather>(
        "implementation.flat_parameter_gather",
        "ZeRO 1, 2: new parameters are gathered through one contiguous buffer."),
    profile<&Implementation::gradients_cast_apart>(
        "implementation.gradients_cast_apart",
        "Gradients are cast to fp32 in a kernel of their own before they are added."),
    profile<&Implementation::flat_gradient_copy>(
        "implementation.flat_gradient_copy",
        "ZeRO 1, 2: the shard's 16-bit gradients are joined and copied to fp32 for the step."),
    profile<&Implementation::optimizer_temporaries>(
        "implementation.optimizer_temporaries",
        "Bytes a parameter that the optimizer's step takes on top of its states.", {0, 64}),
    profile<&Implementation::gathers_free_late>(
        "implementation.gathers_free_late",
        "Buffers of tensor-parallel exchanges are reused only when the device has passed them."),
    profile<&Implementation::selective_recompute>("implementation.selective_recompute",
                                                  "Default of training.recompute.modules."),
    profile<&Implementation::contiguous_gradients>("implementation.contiguous_gradients",
                                                   "One flat gradient buffer from the start."),
    profile<&Implementation::releases_gradients>(
        "implementation.releases_gradients", "ZeRO 3: no gradient shards in the first forward."),
    profile<&Implementation::cached_reductions>("implementation.cached_reductions",
                                                "ZeRO 3: reduction buffers kept besides.", {0, 8}),
};

}  // namespace

std::span<const Key<Draft>> implementation_keys() { return kProfile; }

std::span<const Key<Draft>> scenario_keys() {
  static const std::vector<Key<Draft>> all = [] {
    std::vector<Key<Draft>> rows;
    for (const auto part :
         {other_keys().first(1), model_keys(), cluster_keys(), device_keys(), training_keys(),
          strategy_keys(), implementation_keys(), other_keys().subspan(1)}) {
      rows.insert(rows.end(), part.begin(), part.end());
    }
    return rows;
  }();
  return all;
}

}  // namespace scenarios
