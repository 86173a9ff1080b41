// Which ranks are simulated, and the groups they communicate in.
//
// Unfolded, every rank is. Folded, one rank of each class of an equitable partition is: ranks,
// groups and links are coloured (by role, kind, capacity) and refined until the members of a class
// cannot be told apart; a class of groups then loads the one link that stands for a class of links
// with the sum of its members' shares. Exact, and refused where it would not be (docs/folding.md).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "collectives/collective.hpp"
#include "models/model.hpp"
#include "sim/machine.hpp"
#include "sim/task_graph.hpp"
#include "strategies/mesh.hpp"
#include "strategies/plan.hpp"

namespace strategies {

// How a group loads links: a ring over its members, direct messages between all pairs, or messages
// along rails that are handed on inside the nodes (node-limited dispatch).
enum class Pattern : std::uint8_t { ring, direct, railed };
inline constexpr std::size_t kPatterns = 3;

// Equal loads of several groups on one link.
struct EqualUses {
  sim::LinkUse use;
  std::int64_t count = 1;
};

struct LinkPattern {
  std::vector<sim::LinkUse> shared;  // with every equal group of the fold on the same links
  std::vector<EqualUses> equals;     // what `shared` sums; empty where no group stands for others
  std::vector<sim::LinkUse> alone;   // of this group by itself
  double load = 0.0;                 // bytes on the most loaded link per byte of an all-gather
                                     // (ring) or all-to-all (direct, railed) buffer
};

struct Group {
  GroupKind kind = GroupKind::tensor;
  std::vector<std::int64_t> members;      // ranks of the job, in ring order
  std::vector<sim::RankId> participants;  // simulated ranks that take part
  std::size_t shape = 0;                  // index into Fleet::shapes
  std::array<LinkPattern, kPatterns> patterns;
};

struct SimulatedRank {
  std::int64_t rank = 0;  // of the job; folded: the first of its class
  std::int64_t stage = 0;
  std::int64_t class_size = 1;
  double slowdown = 1.0;                           // compute takes this many times as long
  std::array<std::uint32_t, kGroupKinds> group{};  // index into Fleet::groups; kNoGroup = alone
};
inline constexpr std::uint32_t kNoGroup = UINT32_MAX;

struct Fleet {
  std::vector<SimulatedRank> ranks;
  std::vector<Group> groups;
  std::vector<collectives::GroupShape> shapes;  // distinct ones
  std::vector<sim::RankId> stands_for;          // per rank of the job: the simulated rank
  std::int64_t world = 0;
  bool folded = false;
  std::string certificate;

  const Group* group(sim::RankId rank, GroupKind kind) const {
    const auto index = ranks[rank.index()].group[static_cast<std::size_t>(kind)];
    return index == kNoGroup ? nullptr : &groups[index];
  }
};

// Every rank and every group, each with its own load on links alone.
Fleet lay_out_fleet(const models::Model& model, const Training& training, const Plan& plan,
                    const Faults& faults, const sim::Machine& machine);
// Ends as a fleet in which every rank is simulated: no group stands for others.
Fleet simulate_all(Fleet fleet);

// Every rank, every group: does not pass through the folding code.
Fleet full_fleet(const models::Model& model, const Training& training, const Plan& plan,
                 const Faults& faults, const sim::Machine& machine);

// One rank a class. Falls back to the full fleet where no two ranks are equal.
Fleet folded_fleet(const models::Model& model, const Training& training, const Plan& plan,
                   const Faults& faults, const sim::Machine& machine);

}  // namespace strategies
