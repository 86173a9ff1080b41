#include "strategies/cost_table.hpp"

#include <algorithm>

#include "sim/contracts.hpp"
#include "strategies/expert_load.hpp"
#include "strategies/low_precision.hpp"
#include "strategies/states.hpp"
#include "strategies/step_context.hpp"

namespace strategies {
namespace {

// `part`: of the work of the busiest rank, whose time all others wait out, what a rank does on
// average.
void add(PassCost& sum, const models::Work& work, sim::Time time, double part) {
  if (work.kernels == 0) return;
  sum.time += time;
  sum.kernels += work.host_launches();
  sum.flops += work.flops.count() * part;
}

// Modules whose results backward rebuilds instead of keeping.
models::Modules rebuilt_modules(const Training& training, const models::KernelProfile& kernels) {
  unsigned out = 0;
  const auto add = [&](models::Module module) { out |= models::module_bit(module); };
  if (kernels.norms_run_again) add(models::Module::residual_norm);
  if (training.deallocate_early) {
    add(models::Module::layernorm);
    add(models::Module::act);
    add(models::Module::moe_act);
  }
  if (training.recompute.mode == Recompute::selective) {
    for (models::Module module : training.recompute.modules) {
      add(module);
      if (module != models::Module::alternate_mm) continue;
      add(models::Module::layernorm);  // whatever is neither a product nor attention
      add(models::Module::act);
    }
  }
  return static_cast<models::Modules>(out);
}

// Part of a causal score matrix that the busiest of `pieces` ranks works on, times their number. An
// early and a late piece of the sequence for each make it the same half for all; in order, the last
// rank sees all keys, and all others wait for it.
double busiest_share(const Plan& plan) {
  const std::int64_t pieces = plan.cp_type == CpType::ulysses  ? 1
                              : plan.cp_type == CpType::hybrid ? plan.cp / plan.cp_ulysses
                                                               : plan.cp;
  if (plan.cp_balance == CpBalance::head_tail) return 0.5;
  return 1.0 - 0.5 / static_cast<double>(pieces);
}

models::Shard make_shard(const Training& training, const Plan& plan, const models::Device& device,
                         bool causal) {
  models::Shard shard;
  shard.micro_batch = training.micro_batch;
  shard.seq_len = training.seq_len;
  shard.tp = plan.tp;
  shard.sequence_parallel = plan.sequence_parallel;
  shard.cp = plan.cp;
  shard.ep = plan.ep;
  shard.etp = plan.etp;
  shard.exchange_routes = plan.ep_dispatch == EpDispatch::node_limited && plan.ep > 1;
  shard.dispatch_bytes = models::element_bytes(plan.ep_dispatch_dtype);
  shard.precision = training.precision;
  shard.cast_passes = cast_passes(training);
  shard.cast_copies = cast_copies(training, device);
  shard.scale_bytes = scale_bytes(training);
  shard.cast_kernels = cast_kernels(training);
  shard.swizzled_scales = swizzles_scales(training);
  shard.row_scales = training.fp8_recipe == Fp8Recipe::rowwise;
  shard.gradient_bytes = models::element_bytes(training.grad_dtype);
  shard.attention = training.attention;
  shard.saved_activation_input = training.saved_activation_input;
  shard.saved_attention_output = training.saved_attention_output;
  if (plan.cp_type == CpType::ring) shard.cp_ring = plan.cp;
  if (plan.cp_type == CpType::hybrid) shard.cp_ring = plan.cp / plan.cp_ulysses;
  if (plan.cp_type == CpType::ulysses) shard.cp_heads = plan.cp;
  if (plan.cp_type == CpType::hybrid) shard.cp_heads = plan.cp_ulysses;
  shard.attention_share = causal ? busiest_share(plan) : 1.0;
  shard.loss_chunks = training.loss_chunks;
  return shard;
}

// The device as steady training finds it: matrix units at the clock its power limit leaves.
models::Device under_load(models::Device device) {
  for (sim::FlopRate& rate : device.peak) rate = rate * device.sustained_clock;
  return device;
}

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace

CostTable::CostTable(const models::Model& model, const models::Device& device,
                     const Training& training, const Plan& plan,
                     const Implementation& implementation)
    : device_(under_load(device)),
      training_(training),
      plan_(plan),
      implementation_(implementation),
      kernels_(implementation.kernels) {
  kernels_.compiled = kernels_.compiled || training.compile;
  kernels_.host_issues_experts = !(training.cuda_graph && training.cuda_graph_experts);
  if (const models::Transformer* transformer = model.transformer()) {
    measure_transformer(*transformer);
    return;
  }
  shard_ = make_shard(training, plan, device_, false);
  for (const auto& block : model.operator_list()->blocks) {
    layer_kind_.push_back(static_cast<std::uint32_t>(layers_.size()));
    layers_.push_back(unit(models::block_operators(block, shard_, kernels_), true));
  }
  tokens_ = training.micro_batch;
}

void CostTable::measure_transformer(const models::Transformer& model) {
  shard_ = make_shard(training_, plan_, device_, model.causal);
  if (model.causal) mean_of_busiest_ = 0.5 / shard_.attention_share;
  if (model.moe) {
    shard_.expert_load = expert_load(*model.moe, training_, plan_);
    shard_.casts_together = casts_together(training_, model.moe->capacity_factor > 0.0);
    busiest_experts_ = models::expert_work_over_mean(model, shard_);
  }
  has_embedding_ = true;
  const double element = std::max(2.0, models::element_bytes(training_.precision));
  tokens_ = training_.micro_batch * ceil_div(training_.seq_len, plan_.cp);
  const auto size_of = [&](std::int64_t values) {
    return sim::Bytes::ceil(static_cast<double>(tokens_) * static_cast<double>(values) * element);
  };
  hidden_state_ = size_of(model.hidden);
  const std::int64_t kv_heads = std::max<std::int64_t>(1, model.kv_heads / plan_.tp);
  const std::int64_t heads = ceil_div(model.heads, plan_.tp);
  if (model.mla) {
    const auto& mla = *model.mla;
    const std::int64_t qk = mla.qk_nope_head_dim + mla.qk_rope_head_dim;
    keys_and_values_ = size_of(heads * (qk + mla.v_head_dim));
    queries_keys_values_ = size_of(heads * (2 * qk + mla.v_head_dim));
    attention_output_ = size_of(heads * mla.v_head_dim);
  } else {
    keys_and_values_ = size_of(2 * kv_heads * model.head_dim);
    queries_keys_values_ = size_of((heads + 2 * kv_heads) * model.head_dim);
    attention_output_ = size_of(heads * model.head_dim);
  }
  if (model.moe) {
    const bool split = plan_.sequence_parallel;  // tokens enter the dispatch split over tp
    dispatched_tokens_ =
        sim::Bytes::ceil(size_of(model.hidden * model.moe->top_k).as_double() * shard_.expert_load /
                         static_cast<double>(split ? plan_.tp : 1));
  }
  const auto multiple = implementation_.vocab_multiple;
  embedding_ = unit(models::embedding_operators(model, shard_, kernels_, multiple), false);
  if (model.mtp_layers > 0) {
    mtp_ = unit(models::mtp_operators(model, shard_, kernels_), false);
    models::Transformer shared = model;
    shared.tied_embeddings = true;  // the weights are the main head's
    mtp_head_ = unit(models::head_operators(shared, shard_, kernels_, multiple), false);
  }
  head_ = unit(models::head_operators(model, shard_, kernels_, multiple), false);
  std::map<models::LayerKind, std::uint32_t> known;
  for (std::int64_t layer = 0; layer < model.layers + model.mtp_layers; ++layer) {
    const auto kind = models::layer_kind(model, std::min(layer, model.layers - 1));
    const auto [entry, is_new] =
        known.try_emplace(kind, static_cast<std::uint32_t>(layers_.size()));
    if (is_new) {
      layers_.push_back(unit(models::layer_operators(model, kind, shard_, kernels_), true));
    }
    layer_kind_.push_back(entry->second);
  }
}

UnitCost CostTable::unit(const std::vector<models::Operator>& operators, bool is_layer) const {
  UnitCost out;
  out.is_layer = is_layer;
  const models::Modules rebuilt = rebuilt_modules(training_, kernels_);
  const auto time = [&](const models::Operator& op, models::Pass pass) {
    return models::cost(op, pass, training_.precision, device_, kernels_);
  };
  for (const models::Operator& op : operators) {
    RegionCost& region = out.regions[static_cast<std::size_t>(op.region)];
    region.present = true;
    const sim::Time forward = time(op, models::Pass::forward);
    const double part = op.kind == models::OpKind::attention ? mean_of_busiest_
                        : op.expert                          ? 1.0 / busiest_experts_
                                                             : 1.0;
    add(region.forward, op.forward, forward, part);
    add(region.backward_data, op.backward_data, time(op, models::Pass::backward_data), part);
    add(region.backward_weight, op.backward_weight, time(op, models::Pass::backward_weight), part);
    accumulate(region.backward_weight, op);
    // Ranks do the mean of the work, and take the time of the busiest.
    if (models::is_recomputed(op, rebuilt)) add(region.recompute, op.forward, forward, part);
    (op.expert ? out.expert_parameters : out.dense_parameters) += op.parameters;
    if (op.quantised && op.parameters > 0) {
      out.quantised_parameters += op.parameters;
      out.quantised_products += op.forward.batch;
      cast_weights(out.weight_cast, op);
    }
    hold(out, op, rebuilt);
  }
  out.overhang = sim::Bytes{std::max<std::int64_t>(0, out.overhang.count() - out.saved.count())};
  out.overhang_all =
      sim::Bytes{std::max<std::int64_t>(0, out.overhang_all.count() - out.saved_all.count())};
  // A layer recomputed at once has its rebuilt tensors side by side.
  if ((rebuilt & models::module_bit(models::Module::alternate_mm)) != 0) {
    out.overhang = out.overhang_all + (out.saved_all - out.saved);
  }
  out.gathered = gathered_inputs(out);
  if (implementation_.tp_keeps_gathered && training_.recompute.mode != Recompute::selective) {
    // In place of the parts that operators keep of them.
    const sim::Bytes more = out.gathered - sim::Bytes{out.gathered.count() / plan_.tp};
    out.saved += more;
    out.saved_all += more;
  }
  out.checkpoint = sim::Bytes{hidden_state_.count() / (plan_.sequence_parallel ? plan_.tp : 1)};
  return out;
}

// Adds up what the unit keeps through `op`, and its peak so far.
void CostTable::hold(UnitCost& out, const models::Operator& op, models::Modules rebuilt) const {
  const sim::Bytes kept = models::saved_bytes(op, rebuilt);
  const sim::Bytes all = models::saved_bytes(op);
  out.saved += kept;
  out.saved_all += all;
  out.workspace = std::max(out.workspace, op.workspace);
  out.overhang = std::max(out.overhang, out.saved + (all - kept) + op.workspace);
  out.overhang_all = std::max(out.overhang_all, out.saved_all + op.workspace);
  out.kept_for_weight += op.kept_for_weight;
  out.largest_tensor = std::max({out.largest_tensor, op.saved_input, op.saved_internal});
  const bool module = op.region != models::Region::router && op.region != models::Region::head;
  if (!kernels_.stand_in_gradients || !module || op.backward_weight.flops.count() == 0.0) return;
  const std::pair shape{op.backward_weight.m, op.backward_weight.n};
  if (std::find(out.stand_ins.begin(), out.stand_ins.end(), shape) == out.stand_ins.end()) {
    out.stand_ins.push_back(shape);
  }
}

// Weights that are gathered in fp8 arrive cast, and are only transposed.
void CostTable::cast_weights(PassCost& sum, const models::Operator& op) const {
  const double operand = quantised_element_bytes(training_);
  const bool cast = gathered_parameter_bytes(training_, implementation_) > 1.0;
  double each = shard_.cast_passes * parameter_bytes(training_) + shard_.cast_copies * operand;
  if (!cast) each = shard_.cast_copies > 1.0 ? 2.0 * operand : 0.0;
  if (each == 0.0) return;
  const auto bytes = sim::Bytes::ceil(static_cast<double>(op.parameters) * each);
  sum.time += models::streaming_time(bytes, device_);
  sum.kernels += 1;
}

// Where the weight-gradient product does not add into the accumulated gradient itself, a pass of
// its own does: it reads the new gradient and reads and writes the sum (PyTorch's AccumulateGrad).
void CostTable::accumulate(PassCost& sum, const models::Operator& op) const {
  const bool sums =
      micro_batch_count(training_, plan_) > 1 || implementation_.low_precision_gradients_stay;
  if (op.parameters == 0 || !sums || kernels_.weight_gradient_accumulation_fused) return;
  const double added = models::element_bytes(training_.grad_dtype);
  const double computed = std::max(2.0, models::element_bytes(training_.precision));
  const bool casts = implementation_.gradients_cast_apart && added > computed;
  const double each = computed + (casts ? 4.0 : 2.0) * added;
  const auto bytes = sim::Bytes::ceil(static_cast<double>(op.parameters) * each);
  sum.time += models::streaming_time(bytes, device_);
  sum.kernels += casts ? 2 : 1;
}

// The whole inputs of the column-parallel products, where sequence parallelism splits them.
sim::Bytes CostTable::gathered_inputs(const UnitCost& unit) const {
  if (!plan_.sequence_parallel || plan_.tp == 1) return sim::Bytes{0};
  const bool moe = unit.at(models::Region::router).present;
  std::int64_t inputs = 0;
  for (const models::Region region : {models::Region::attention_in, models::Region::mlp_in,
                                      models::Region::shared_expert, models::Region::head}) {
    if (region == models::Region::mlp_in && moe) continue;
    if (unit.at(region).present) ++inputs;
  }
  return hidden_state_ * inputs;
}

const UnitCost& CostTable::layer(std::int64_t index) const {
  SIM_EXPECTS(index >= 0 && index < layer_count(), "no such layer");
  return layers_[layer_kind_[static_cast<std::size_t>(index)]];
}

}  // namespace strategies
