// The time of a collective on idle links: closed forms in the group's shape and the constants of
// model_constants.hpp, and the ideal forms without a library in the way.
#pragma once

#include "collectives/group_facts.hpp"
#include "collectives/library.hpp"
#include "collectives/model_constants.hpp"
#include "collectives/tuner.hpp"

namespace collectives {

struct Cost {
  double latency = 0.0;   // s
  double transfer = 0.0;  // s
};

// The part of a domain's NICs that a group with `members` in the domain uses: each member's own,
// or its nearest one where there are fewer NICs than devices.
double nic_share(const Fabric& fabric, std::uint32_t members);

// What NCCL's search would find on the fabric (cost.cpp has the sources of its two factors).
ChannelRates channel_rates(const GroupFacts& group, const Fabric& fabric);

// Grouped sends and receives (all_to_all, send_recv) or the chosen method.
Cost p2p_cost(Kind kind, const GroupFacts& group, double bytes, const Fabric& fabric,
              const ModelConstants& constants);
Cost method_cost(Kind kind, Choice choice, const GroupFacts& group, double bytes,
                 const Fabric& fabric, const ModelConstants& constants);

// Ring (or pairwise exchange) at full link rate, a link latency per round.
Cost ideal_cost(Kind kind, const GroupFacts& group, double bytes, const Fabric& fabric);

}  // namespace collectives
