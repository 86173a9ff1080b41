// NCCL's own choice of algorithm and protocol: for each pair it adds a latency and bytes over a
// bandwidth, from constants compiled into the release, and takes the least (NVIDIA/nccl
// src/graph/tuning.cc). What the choice then really costs is price.cpp's matter.
#pragma once

#include <cstdint>
#include <string_view>

#include "collectives/group_facts.hpp"
#include "collectives/library.hpp"

namespace collectives {

enum class Method : std::uint8_t { tree, ring, nvls, nvls_tree };
enum class Protocol : std::uint8_t { ll, ll128, simple };

inline constexpr std::string_view kProtocolNames[] = {"LL", "LL128", "Simple"};

struct Choice {
  Method method = Method::ring;
  Protocol protocol = Protocol::simple;
};

// Bus bandwidths of the channels NCCL finds on the fabric for this group, in bytes/s per member.
// inter counts the NICs of one domain that the group uses, all together.
struct ChannelRates {
  double intra = 0.0;
  double inter = 0.0;
};

// Constants of one release; the index order is NCCL's.
struct TunerConstants {
  int release = 0;              // major * 100 + minor, the first release that has them
  double base[4][3];            // us; tree, ring, nvls, nvls_tree x LL, LL128, Simple
  double hop[3][2][3];          // us; nvlink, pci, net x tree, ring x LL, LL128, Simple
  double nvls_intra;            // us
  double nvls_tree_net;         // us
  double ll_max[4][3];          // GB/s; by generation in one node, else rows Intel, AMD
  double ring_ll128_max[4];     // GB/s per channel
  double tree_ll128_max[4][3];  // GB/s per channel; 1, 2, more nodes
  double tree_max[4][3];        // GB/s per channel; 1, 2, more nodes
  double nvls_efficiency[4];    // 0: not in this release
};

// The constants in force in a release such as "2.21"; an unknown version gets the newest.
const TunerConstants& tuner_constants(std::string_view version);

bool ll128_possible(const Fabric& fabric, const GroupFacts& group);

// What NCCL itself expects the pair to take; infinite if it would not consider the pair.
double tuner_seconds(Kind kind, Choice choice, const GroupFacts& group, double bytes,
                     const Fabric& fabric, const ChannelRates& rates,
                     const TunerConstants& constants);

Choice choose(Kind kind, const GroupFacts& group, double bytes, const Fabric& fabric,
              const ChannelRates& rates, const TunerConstants& constants);

}  // namespace collectives
