// What a scenario asks of a training step: batch, precision, memory savers, and the parallel plan.
// All values are resolved (no "default" left); scenarios/ fills them and checks them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/kernels.hpp"
#include "models/operators.hpp"
#include "models/precision.hpp"
#include "sim/units.hpp"

namespace strategies {

enum class Optimizer : std::uint8_t {
  adamw,
  adamw_8bit,  // both moments in 8 bits
  adamw_bf16,  // both moments in bf16
  sgd,
  sgd_momentum,
  lion,
  adafactor
};
enum class PeerLaunches : std::uint8_t { never, pipelines, always };
// hybrid: all-to-all inside groups of Plan::cp_ulysses ranks, a ring between them (USP).
enum class CpType : std::uint8_t { ring, allgather, ulysses, hybrid };
// How a causal sequence lies on context-parallel ranks: an early and a late piece each, or one
// piece.
enum class CpBalance : std::uint8_t { head_tail, contiguous };
// sqrt: full, with a checkpoint every square root of a chunk's layers (arXiv 1604.06174); resolved
// to full and RecomputePlan::every by the reader.
enum class Recompute : std::uint8_t { none, selective, full, sqrt };
enum class Fp8Recipe : std::uint8_t { delayed, tensorwise, rowwise, blockwise, mxfp8 };
// Ranks whose maxima of fp8 tensors are reduced together (delayed scaling): tp x cp x dp, tp x cp.
enum class AmaxReduce : std::uint8_t { replicas, tensor, none };
enum class MoeBalance : std::uint8_t { balanced, dropless, drop };
// How popular experts are, where they are not balanced (expert_shares.hpp).
enum class MoeDistribution : std::uint8_t { normal, uniform, zipf, dirichlet, shares };
// How tokens reach their experts (expert_parallel.cpp).
enum class EpDispatch : std::uint8_t { alltoall, allgather, node_limited };
// two_hop: scattered within the shard group after every micro-batch, summed over groups once a step
// (MiCS, arXiv 2205.00119 §3.4).
enum class GradReduce : std::uint8_t { step, micro_batch, two_hop };

struct RecomputePlan {
  Recompute mode = Recompute::none;
  std::vector<models::Module> modules;  // selective: which; default {core_attn}
  std::int64_t layers = 0;              // full: how many layers per chunk; 0 = all
  std::int64_t every = 1;               // full: checkpoint every k layers (uniform)
};

struct Training {
  std::int64_t seq_len = 0;
  std::int64_t global_batch = 0;  // sequences per optimizer step
  std::int64_t micro_batch = 1;   // sequences per micro-batch per model replica
  models::Precision precision = models::Precision::bf16;
  Optimizer optimizer = Optimizer::adamw;
  models::Precision grad_dtype = models::Precision::fp32;  // of the accumulated gradients
  bool master_weights = true;  // fp32 copy of 16-bit parameters in the optimizer
  RecomputePlan recompute;
  models::AttentionKernel attention = models::AttentionKernel::flash;
  // What backward keeps narrower than it is computed with.
  models::SavedFormat saved_activation_input = models::SavedFormat::native;
  models::SavedFormat saved_attention_output = models::SavedFormat::native;
  Fp8Recipe fp8_recipe = Fp8Recipe::delayed;
  AmaxReduce fp8_amax_reduce = AmaxReduce::replicas;
  MoeBalance moe_balance = MoeBalance::balanced;
  double moe_imbalance = 0.0;  // relative standard deviation of an expert's tokens, beyond chance
  MoeDistribution moe_distribution = MoeDistribution::normal;
  double moe_alpha = 0.0;                // zipf: exponent; dirichlet: concentration
  std::vector<std::int64_t> moe_shares;  // shares: tokens of each expert, in their order
  bool quantized_weights = false;        // ZeRO++: parameters are gathered as 8-bit blocks
  bool quantized_gradients = false;      // ZeRO++: gradients are reduced as 4-bit blocks
  bool compile = false;
  bool cuda_graph = false;
  bool cuda_graph_experts = true;    // the graph holds experts, too; else only the rest of a layer
  bool cuda_graph_attention = true;  // and attention
  bool deallocate_early = false;
  std::int64_t loss_chunks = 1;  // logits of one part of the tokens at a time (chunked loss)
};

struct Overlap {
  bool grad_reduce = true;
  bool param_gather = true;
  bool tp = false;
  bool p2p = true;
  bool ep = false;  // the combine runs beside the shared expert
  // Exchanges of tokens run beside another micro-batch's pass: forwards and backwards in pairs.
  bool ep_passes = false;
  // Weight gradients of experts come after the exchange behind their input gradients has begun.
  bool delay_wgrad = false;
};

struct Offload {  // parts of each state kept in host memory, 0..1
  double optimizer = 0.0;
  double parameters = 0.0;
  double activations = 0.0;
  bool nvme = false;  // further down: from host memory to the node's drives (ZeRO-Infinity)

  bool any() const { return optimizer > 0.0 || parameters > 0.0 || activations > 0.0; }
};

struct Plan {
  std::int64_t tp = 1;
  bool sequence_parallel = false;
  std::int64_t cp = 1;
  CpType cp_type = CpType::ring;
  std::int64_t cp_ulysses = 1;  // hybrid: ranks of a group that exchanges heads
  CpBalance cp_balance = CpBalance::head_tail;
  std::int64_t pp = 1;
  std::int64_t vpp = 1;                // model chunks per pipeline rank
  std::string schedule = "1f1b";       // a name of strategies::schedules()
  std::int64_t micro_batch_group = 0;  // interleaved: micro-batches run per chunk in a row; 0 = pp
  std::int64_t max_in_flight = 0;      // memory-bounded: micro-batches a stage holds; 0 = pp
  std::int64_t ep = 1;
  std::int64_t etp = 1;
  EpDispatch ep_dispatch = EpDispatch::alltoall;
  models::Precision ep_dispatch_dtype = models::Precision::bf16;  // of tokens on their way out
  std::int64_t dp = 1;
  int zero = 0;                  // 0..3
  std::int64_t shard_group = 1;  // ranks that share one sharded copy; divides dp * cp
  // ZeRO-3: after forward a copy stays spread over so many ranks, which backward gathers from
  // (ZeRO++'s hpZ, FSDP2's reshard_after_forward: n); 0 = none.
  std::int64_t secondary_shard = 0;
  bool reshard_after_forward = true;  // zero 3: gathered parameters are dropped after forward
  GradReduce grad_reduce = GradReduce::step;
  // ZeRO-3: parameters are gathered between parts of a shard group of so many ranks (a node's)
  // first, then inside each (MiCS, arXiv 2205.00119 §3.3); 0 = at once.
  std::int64_t gather_group = 0;
  Overlap overlap;
  Offload offload;
  // Layers of each chunk in model order (pp * vpp entries, chunk c of stage s at c * pp + s);
  // filled by the reader from pp_layout or evenly, first and last lightest.
  std::vector<std::int64_t> layers_of_chunk;
  bool embedding_as_layer = false;
  std::int64_t mtp_piece = -1;  // piece that holds multi-token-prediction layers; -1 = the last
  std::string rank_order = "tp-cp-ep-dp-pp";  // fastest-varying first

  std::int64_t world_size() const { return tp * cp * pp * dp; }
};

// Slow parts and noise, by scenario (`faults:`).
struct Faults {
  struct SlowRank {
    std::int64_t rank = 0;
    double factor = 1.0;
  };  // compute takes factor x
  struct SlowLink {
    std::string link;
    double factor = 1.0;
  };  // capacity / factor
  std::vector<SlowRank> slow_ranks;
  std::vector<SlowLink> slow_links;
  double jitter = 0.0;  // relative standard deviation of compute durations, per rank
  double failures_per_gpu_hour = 0.0;
  std::uint64_t seed = 0;
};

// How a code base runs a strategy: documented properties, one profile a code base
// (scenarios/catalogue/profiles/*.yaml, each value with its reason).
struct Implementation {
  std::string name = "ideal";
  models::KernelProfile kernels;
  // Defaults of the scenario keys of the same name.
  Overlap overlap;
  CpType cp_type = CpType::ring;
  std::string rank_order = "tp-cp-ep-dp-pp";
  models::Precision grad_dtype = models::Precision::fp32;
  AmaxReduce fp8_amax_reduce = AmaxReduce::replicas;
  bool reshard_after_forward = true;
  bool stages_by_parameters = false;  // default layout: output projection and layers by size
  // Host.
  bool host_limits = true;          // false: the host never holds the device up
  bool scatter_gather_p2p = false;  // without SP: a stage sends 1/tp a rank and gathers on arrival
  bool fp32_sharded_parameters = false;  // FSDP: the sharded copy is fp32 and is the master copy
  bool p2p_synchronises = false;         // the host waits for each pipeline send/receive
  // A stage's output stays until its backward, and so do buffers to receive into (DeepSpeed's
  // pipe_buffers); else it is freed when sent.
  bool keeps_stage_outputs = false;
  sim::Time step_host_time;     // data loading, logging, clipping: host work once a step
  sim::Time backward_launch;    // host time to issue a kernel of backward; 0 = kernels.launch
  sim::Time collective_launch;  // host time to issue a collective or a send; 0 = kernels.launch
  // What a host spends for each member before a collective, of a group inside a node or over
  // several. TORCH_DISTRIBUTED_DEBUG=DETAIL: members compare what they are about to do, rank 0
  // hears from all over sockets (torch's ProcessGroupWrapper). Lists of tensors: each member's
  // piece is copied.
  PeerLaunches peer_launches = PeerLaunches::never;
  sim::Time peer_launch;
  sim::Time inter_node_peer_launch;
  // CUDA_LAUNCH_BLOCKING=1: the host waits for each kernel before it issues the next.
  bool launch_blocking = false;
  // Communication.
  int expert_exchange_sms = 0;  // multiprocessors of the node-limited exchange; 0 = as the library
  std::string library_version = "2.21";  // NCCL release whose constants apply
  bool ideal_communication = false;
  sim::Bytes bucket;                   // gradient reduction bucket (DDP, Megatron)
  bool fp8_parameter_gather = false;   // ZeRO-1: fp8 runs gather the new parameters in fp8
  bool layer_buckets = false;          // one bucket a layer (FSDP units)
  std::int64_t gathers_per_layer = 1;  // ZeRO-3: collectives a layer's parameters take (tensors)
  // Gathers of parameters and reductions of gradients run one after the other, as issued: one
  // thread moves both (nonblocking MPI collectives, which no hardware drives).
  bool serial_data_collectives = false;
  bool gather_synchronises = false;  // ZeRO-3: the host waits for the device around each gather
  std::int64_t prefetch_layers = 1;  // gathered ahead (ZeRO-3)
  bool keeps_last_gathered = false;  // ZeRO-3: last layer and head, from forward to backward
  double gather_copy_bytes = 0.0;    // FSDP: a parameter, from the gathered buffer to its tensor
  double reduce_copy_bytes = 0.0;    // a gradient, into (and out of) the buffer that is reduced
  bool reduces_whole_gradients = false;  // ZeRO-1: all-reduce; owners use their part of the sums
  // ZeRO-1: one reduction of all gradients when backward is over, whatever the overlap without it
  // (nanotron, which drops DDP then).
  bool zero_reduces_after_backward = false;
  // ZeRO-1: tensors of a layer whose new values are gathered as lists of a slice a rank: joined
  // before, taken apart after (nanotron); 0 = one flat buffer. Host time of a slice of a tensor.
  std::int64_t listed_tensors = 0;
  sim::Time list_slice;
  bool averages_gradients = true;    // divided by the data-parallel size in a pass of their own
  bool clips_all_gradients = false;  // ZeRO-1: norm and scaling of all gradients, not the shard's
  std::int64_t broadcasts_per_layer = 0;  // ZeRO-1: owners broadcast tensors; 0 = all-gather
  bool fp8_gather = false;         // tensorwise fp8: parameters and TP inputs travel in one byte
  bool tp_keeps_gathered = false;  // gathered inputs are kept for backward (DTensor), not gathered
  bool tp_backward_overlap = false;        // wgrad GEMM overlaps the dgrad's all-reduce / RS
  double overlap_slowdown = 0.0;           // extra on a transfer's time while it overlaps compute
  double grad_reduce_element_bytes = 0.0;  // on the wire; 0 = that of grad_dtype
  // Scale.
  double straggler = 0.0;  // relative standard deviation of a rank's step; slowest of N counts
  // Memory.
  std::int64_t vocab_multiple = 128;
  sim::Bytes context;               // driver and runtime context, outside the allocator
  sim::Bytes communicator;          // per communicator, outside the allocator
  bool pair_communicators = false;  // pipeline: one a neighbour instead of one for all stages
  sim::Bytes framework_workspace;   // cuBLAS and the like, inside the allocator
  double allocator_overhead = 0.0;  // reserved = allocated * (1 + this), in 2 MiB blocks
  // 16-bit gradients of all parameters stay beside the fp32 sums (DeepSpeed's BF16_Optimizer).
  bool low_precision_gradients_stay = false;
  // Each is cast to fp32 by a kernel of its own, then added: 8 bytes more than a sum that casts.
  bool gradients_cast_apart = false;
  // They are all there at the end of a micro-batch's backward, and gone before the next (nanotron).
  bool micro_batch_gradients = false;
  // Without ZeRO: DDP's buckets, as large as all gradients of a micro-batch, for as long as the
  // model lives.
  bool gradient_buckets = false;
  // ZeRO 1 and 2, while the optimizer steps: one contiguous buffer the size of all 16-bit
  // parameters where they are gathered (nanotron); 16-bit gradients of the shard joined, and their
  // fp32 copy (DeepSpeed).
  bool flat_parameter_gather = false;
  bool flat_gradient_copy = false;
  // Bytes a parameter that the optimizer's step makes for the time it takes (fp32 copies of 16-bit
  // gradients; AdamW's denominators, all at once where it is for-each or has one flat tensor).
  double optimizer_temporaries = 0.0;
  // Buffers of asynchronous tensor-parallel collectives are free for others only when the device
  // has passed them (late_buffers.hpp).
  bool gathers_free_late = false;
  // What `recompute: selective` means in this code base.
  std::vector<models::Module> selective_recompute{models::Module::core_attn};
  bool contiguous_gradients = true;  // one flat gradient buffer from the start (Megatron)
  // ZeRO-3: shards of gradients are let go of before a step's first forward (PyTorch's zero_grad
  // sets gradients to None), and there again from its first reduction on.
  bool releases_gradients = false;
  // ZeRO-3: so many buffers to reduce the largest unit's gradients in, for which no cached block is
  // large enough: reserved as long as the device has room.
  int cached_reductions = 0;
};

}  // namespace strategies
