// The words of scenario files for the enumerations they choose from.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "collectives/collective.hpp"
#include "collectives/library.hpp"
#include "models/device.hpp"
#include "models/model.hpp"
#include "models/operators.hpp"
#include "strategies/plan.hpp"
#include "topologies/cluster.hpp"

namespace scenarios {

template <class E>
struct EnumName {
  std::string_view name;
  E value;
};

// Specialised below for every enumeration a key can have; the first name of a value is printed.
template <class E>
struct EnumNames;

#define STEPCAST_ENUM(Type, ...)                                             \
  template <>                                                                \
  struct EnumNames<Type> {                                                   \
    using E = Type;                                                          \
    static constexpr auto table = std::to_array<EnumName<E>>({__VA_ARGS__}); \
  }

STEPCAST_ENUM(models::Precision, {"fp32", E::fp32}, {"tf32", E::tf32}, {"fp16", E::fp16},
              {"bf16", E::bf16}, {"fp8", E::fp8}, {"fp4", E::fp4});
STEPCAST_ENUM(models::SavedFormat, {"native", E::native}, {"e5m6", E::e5m6}, {"fp8", E::fp8});
STEPCAST_ENUM(models::Architecture, {"volta", E::volta}, {"turing", E::turing},
              {"ampere", E::ampere}, {"ada", E::ada}, {"hopper", E::hopper},
              {"blackwell", E::blackwell}, {"cdna", E::cdna}, {"tpu", E::tpu}, {"gaudi", E::gaudi},
              {"cpu", E::cpu});
STEPCAST_ENUM(models::Norm, {"layernorm", E::layernorm}, {"rmsnorm", E::rmsnorm});
STEPCAST_ENUM(models::Position, {"rope", E::rope}, {"learned", E::learned}, {"alibi", E::alibi},
              {"none", E::none});
STEPCAST_ENUM(models::AttentionKernel, {"flash", E::flash}, {"math", E::math});
STEPCAST_ENUM(models::Module, {"core_attn", E::core_attn}, {"mlp", E::mlp}, {"moe", E::moe},
              {"layernorm", E::layernorm}, {"moe_act", E::moe_act}, {"mla_up_proj", E::mla_up_proj},
              {"act", E::act}, {"alternate_mm", E::alternate_mm});
STEPCAST_ENUM(models::ListedOperator::Type, {"linear", E::linear}, {"conv2d", E::conv2d},
              {"attention", E::attention}, {"norm", E::norm}, {"elementwise", E::elementwise},
              {"embedding", E::embedding});
STEPCAST_ENUM(strategies::Optimizer, {"adamw", E::adamw}, {"adamw-8bit", E::adamw_8bit},
              {"adamw-bf16", E::adamw_bf16}, {"sgd", E::sgd}, {"sgd-momentum", E::sgd_momentum},
              {"lion", E::lion}, {"adafactor", E::adafactor}, {"adam", E::adamw},
              {"adam-8bit", E::adamw_8bit});
STEPCAST_ENUM(strategies::CpType, {"ring", E::ring}, {"allgather", E::allgather},
              {"ulysses", E::ulysses}, {"hybrid", E::hybrid}, {"p2p", E::ring}, {"a2a", E::ulysses},
              {"a2a+p2p", E::hybrid}, {"usp", E::hybrid});
STEPCAST_ENUM(strategies::CpBalance, {"head_tail", E::head_tail}, {"contiguous", E::contiguous});
STEPCAST_ENUM(strategies::PeerLaunches, {"never", E::never}, {"pipelines", E::pipelines},
              {"always", E::always});
STEPCAST_ENUM(strategies::EpDispatch, {"alltoall", E::alltoall}, {"allgather", E::allgather},
              {"node_limited", E::node_limited}, {"hierarchical", E::node_limited});
STEPCAST_ENUM(strategies::Recompute, {"none", E::none}, {"selective", E::selective},
              {"full", E::full}, {"sqrt", E::sqrt});
STEPCAST_ENUM(strategies::Fp8Recipe, {"delayed", E::delayed}, {"tensorwise", E::tensorwise},
              {"rowwise", E::rowwise}, {"blockwise", E::blockwise}, {"mxfp8", E::mxfp8});
STEPCAST_ENUM(strategies::AmaxReduce, {"replicas", E::replicas}, {"tensor", E::tensor},
              {"none", E::none});
STEPCAST_ENUM(strategies::MoeBalance, {"balanced", E::balanced}, {"dropless", E::dropless},
              {"drop", E::drop});
STEPCAST_ENUM(strategies::MoeDistribution, {"normal", E::normal}, {"uniform", E::uniform},
              {"zipf", E::zipf}, {"dirichlet", E::dirichlet}, {"shares", E::shares});
STEPCAST_ENUM(strategies::GradReduce, {"step", E::step}, {"micro_batch", E::micro_batch},
              {"two_hop", E::two_hop});
STEPCAST_ENUM(topologies::InterType, {"infiniband", E::infiniband}, {"roce", E::roce},
              {"efa", E::efa}, {"slingshot", E::slingshot}, {"ethernet", E::ethernet},
              {"omnipath", E::omnipath});
STEPCAST_ENUM(topologies::FabricShape, {"fat_tree", E::fat_tree},
              {"rail_optimised", E::rail_optimised}, {"torus", E::torus},
              {"single_switch", E::single_switch}, {"rail_optimized", E::rail_optimised});

STEPCAST_ENUM(collectives::Call, {"blocking", E::blocking}, {"nonblocking", E::nonblocking});
STEPCAST_ENUM(collectives::Kind, {"all_reduce", E::all_reduce}, {"all_gather", E::all_gather},
              {"reduce_scatter", E::reduce_scatter}, {"all_to_all", E::all_to_all},
              {"broadcast", E::broadcast}, {"send_recv", E::send_recv});

#undef STEPCAST_ENUM

template <class E>
std::string_view enum_name(E value) {
  for (const auto& entry : EnumNames<E>::table) {
    if (entry.value == value) return entry.name;
  }
  return "";
}

// The names of an enumeration, for messages, the schema and the reference.
template <class E>
std::span<const std::string_view> enum_choices() {
  static constexpr auto names = [] {
    std::array<std::string_view, EnumNames<E>::table.size()> list{};
    for (std::size_t i = 0; i < list.size(); ++i) list[i] = EnumNames<E>::table[i].name;
    return list;
  }();
  return names;
}

}  // namespace scenarios
