// The dimensions a search varies by itself, with the values it tries. docs/search.md says why.
#include <algorithm>

#include "scenarios/problems.hpp"
#include "strategies/schedule.hpp"
#include "studies/search_dimension_rows.hpp"

namespace studies {
namespace {

constexpr std::int64_t kLeastTokensOfRank = 512;  // of a sequence, after context parallelism
constexpr std::int64_t kMostMicroBatch = 8;

template <class Wanted>
Values divisors(std::int64_t n, Wanted wanted) {
  Values out;
  for (std::int64_t d = 1; d <= n; ++d) {
    if (n % d == 0 && wanted(d)) out.push_back(d);
  }
  return out;
}

Values tensor_degrees(const Scenario& s) {
  const models::Transformer* model = s.model.transformer();
  if (model == nullptr) return {1};
  return divisors(std::min(s.cluster.gpus, model->heads), [&](std::int64_t d) {
    return s.cluster.gpus % d == 0 && model->heads % d == 0 && model->ffn % d == 0;
  });
}

Values context_degrees(const Scenario& s) {
  if (s.model.transformer() == nullptr) return {1};
  const std::int64_t most = std::max<std::int64_t>(1, s.training.seq_len / kLeastTokensOfRank);
  return divisors(std::min(s.cluster.gpus, most), [&](std::int64_t d) {
    return (s.cluster.gpus / s.plan.tp) % d == 0 && (d == 1 || s.training.seq_len % (2 * d) == 0);
  });
}

Values pipeline_degrees(const Scenario& s) {
  const std::int64_t rest = s.cluster.gpus / (s.plan.tp * s.plan.cp);
  return divisors(std::min(rest, scenarios::layer_count(s.model)),
                  [&](std::int64_t d) { return rest % d == 0; });
}

// Chunks that come out even, with or without the embedding and the head counted, or powers of two.
Values chunk_counts(const Scenario& s) {
  const std::int64_t layers = scenarios::layer_count(s.model);
  Values out;
  for (std::int64_t v = 1; v * s.plan.pp <= layers + 2 && v * s.plan.pp <= 2 * layers; ++v) {
    const std::int64_t chunks = v * s.plan.pp;
    const bool even = layers % chunks == 0 || (layers + 2) % chunks == 0;
    if (v == 1 || even || (chunks <= layers && (v & (v - 1)) == 0)) out.push_back(v);
  }
  return out;
}

std::int64_t schedule_number(std::string_view name) {
  const auto all = strategies::schedules();
  return std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.name == name; }) -
         all.begin();
}

std::int64_t schedule_index(const Scenario& s) { return schedule_number(s.plan.schedule); }

Values schedule_choices(const Scenario& s) {
  if (s.plan.pp == 1) return {schedule_number("1f1b")};
  const std::int64_t batches = s.training.global_batch / s.plan.dp;
  Values out;
  const auto all = strategies::schedules();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].name == "interleaved" && s.plan.vpp == 1) continue;
    if (all[i].problem({s.plan.pp, s.plan.vpp, batches, 0}).empty()) {
      out.push_back(static_cast<std::int64_t>(i));
    }
  }
  return out;
}

bool layouts_differ(const Scenario& s) {
  using scenarios::Ends;
  const std::int64_t layers = scenarios::layer_count(s.model);
  const std::int64_t chunks = s.plan.pp * s.plan.vpp;
  if (s.plan.pp == 1 || s.model.transformer() == nullptr || layers < chunks) return false;
  return scenarios::spread_layers(layers, chunks, Ends::free) !=
         scenarios::spread_layers(layers, chunks, Ends::count_as_layers);
}

// With fewer layers than chunks only the form with the ends as layers can fill them.
Values layouts(const Scenario& s) {
  if (layouts_differ(s)) return {0, 1};
  return {scenarios::layer_count(s.model) < s.plan.pp * s.plan.vpp ? 1 : 0};
}

bool has_experts(const Scenario& s) {
  const models::Transformer* model = s.model.transformer();
  return model != nullptr && model->moe.has_value();
}

Values expert_degrees(const Scenario& s) {
  if (!has_experts(s)) return {1};
  const std::int64_t ranks = s.plan.tp * s.plan.cp * s.plan.dp;
  return divisors(s.model.transformer()->moe->experts,
                  [&](std::int64_t d) { return ranks % d == 0; });
}

Values expert_tensor_degrees(const Scenario& s) {
  if (!has_experts(s)) return {1};
  const std::int64_t ranks = s.plan.tp * s.plan.cp * s.plan.dp;
  return divisors(s.plan.tp, [&](std::int64_t d) {
    return ranks % (d * s.plan.ep) == 0 && s.model.transformer()->moe->ffn % d == 0;
  });
}

Values micro_batches(const Scenario& s) {
  if (s.training.global_batch % s.plan.dp != 0) return {};
  return divisors(s.training.global_batch / s.plan.dp,
                  [](std::int64_t d) { return d <= kMostMicroBatch; });
}

Values recompute_modes(const Scenario&) { return {0, 1, 2}; }

void set_recompute(Scenario& s, std::int64_t value) {
  auto& plan = s.training.recompute;
  plan.mode = static_cast<strategies::Recompute>(value);
  if (plan.mode == strategies::Recompute::selective && plan.modules.empty()) {
    plan.modules = {models::Module::core_attn};
  }
}

// All orders of the five dimensions, so that an order is a number.
const std::vector<std::string>& rank_orders() {
  static const std::vector<std::string> orders = [] {
    std::array<std::string_view, 5> names{"cp", "dp", "ep", "pp", "tp"};
    std::vector<std::string> out;
    do {
      std::string text(names[0]);
      for (std::size_t i = 1; i < names.size(); ++i) text += "-" + std::string(names[i]);
      out.push_back(std::move(text));
    } while (std::next_permutation(names.begin(), names.end()));
    return out;
  }();
  return orders;
}

std::int64_t rank_order_index(const Scenario& s) {
  const auto& all = rank_orders();
  return std::find(all.begin(), all.end(), s.plan.rank_order) - all.begin();
}

std::int64_t rank_order_of(const char* text) {
  const auto& all = rank_orders();
  return std::find(all.begin(), all.end(), text) - all.begin();
}

// Pipeline stages far apart (data-parallel neighbours near), or the reverse.
Values placements(const Scenario& s) {
  if (s.plan.pp == 1 || s.plan.dp == 1) return {rank_order_of("tp-cp-ep-dp-pp")};
  return {rank_order_of("tp-cp-ep-dp-pp"), rank_order_of("tp-cp-ep-pp-dp")};
}

}  // namespace

std::vector<SearchDimension> core_dimension_table() {
  using strategies::Offload;
  using strategies::Overlap;
  using strategies::Plan;
  const auto pipelined = [](const Scenario& s) { return s.plan.pp > 1; };
  const auto experts = [](const Scenario& s) { return has_experts(s); };
  const auto tensor = [](const Scenario& s) { return s.plan.tp > 1; };
  return {
      plan_row<&Plan::tp>("strategy.tp", &tensor_degrees, &always),
      plan_row<&Plan::sequence_parallel>("strategy.sequence_parallel", &both, tensor),
      overlap_row<&Overlap::tp>("strategy.overlap.tp", tensor),
      plan_row<&Plan::cp>("strategy.cp", &context_degrees, &always),
      plan_row<&Plan::pp>("strategy.pp", &pipeline_degrees, &always),
      plan_row<&Plan::vpp>("strategy.vpp", &chunk_counts, pipelined),
      {"strategy.schedule",
       &schedule_index,
       [](Scenario& s, std::int64_t v) {
         s.plan.schedule = std::string(strategies::schedules()[static_cast<std::size_t>(v)].name);
       },
       &schedule_choices,
       pipelined,
       {},
       {}},
      plan_row<&Plan::embedding_as_layer>("strategy.pp_layout.embedding_as_layer", &layouts,
                                          &layouts_differ),
      plan_row<&Plan::ep>("strategy.ep", &expert_degrees, experts),
      plan_row<&Plan::etp>("strategy.etp", &expert_tensor_degrees, experts),
      {"strategy.rank_order",
       &rank_order_index,
       [](Scenario& s, std::int64_t v) {
         s.plan.rank_order = rank_orders()[static_cast<std::size_t>(v)];
       },
       &placements,
       &always,
       {},
       {}},
      {"training.micro_batch",
       [](const Scenario& s) { return s.training.micro_batch; },
       [](Scenario& s, std::int64_t v) { s.training.micro_batch = v; },
       &micro_batches,
       &always,
       {},
       {}},
      {"training.recompute",
       [](const Scenario& s) { return static_cast<std::int64_t>(s.training.recompute.mode); },
       &set_recompute,
       &recompute_modes,
       &always,
       {},
       {}},
      offload_row<&Offload::activations>("strategy.offload.activations"),
  };
}

}  // namespace studies
