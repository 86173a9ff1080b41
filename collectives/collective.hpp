// Collective operations as data.
//
// An algorithm turns (kind, group shape, bytes) into a Schedule: rounds of transfers of chunks
// between members. It knows nothing of the machine. From one Schedule come three prices: the closed
// form (analytic), the total traffic between members for the shared network (flow), and every round
// on its own (step). Tests execute schedules on sets to prove that they are what they claim.
//
// `bytes` is, as nccl-tests counts it: all_reduce, broadcast, send_recv: the buffer of one member;
// all_gather, reduce_scatter: the whole buffer (n shards); all_to_all: the send buffer of one
// member. Broadcast starts at member 0. send_recv: of two members, 0 sends to 1; of more, each
// sends to the next one, the last to the first (nccl-tests' sendrecv, a context-parallel ring).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "sim/units.hpp"

namespace collectives {

enum class Kind : std::uint8_t {
  all_reduce,
  all_gather,
  reduce_scatter,
  all_to_all,
  broadcast,
  send_recv
};

std::string_view name(Kind kind);

// The members of a group in ring order: which NVLink domain each sits in, and which of that
// domain's network ports it is nearest to. Two members of one domain reach each other without NIC.
struct GroupShape {
  std::vector<std::uint32_t> domain;  // per member, any numbers; equal = same domain
  std::vector<std::uint32_t> local;   // per member: device index inside its domain

  std::size_t size() const { return domain.size(); }
};

struct Send {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::uint32_t chunk = 0;  // index into Schedule::chunks
  bool reduce = false;      // the receiver adds instead of replacing
};

struct Schedule {
  Kind kind = Kind::all_reduce;
  std::uint32_t members = 0;
  // Vertices members, members + 1, … are switches: they own no data, and add and copy what passes.
  std::uint32_t switches = 0;
  // Equal parts of the buffer. all_gather, reduce_scatter: a multiple of n, shard i in order.
  // all_to_all: n * n, chunk i * n + j is what member i has for member j. send_recv: one a member.
  std::uint32_t chunks = 1;
  std::vector<std::vector<Send>> rounds;  // sends of a round start when the previous round is over
};

// Size of a chunk of the schedule: an even split, the first bytes % parts chunks one byte larger.
sim::Bytes chunk_bytes(const Schedule& schedule, sim::Bytes bytes, std::uint32_t chunk);

// Total bytes that one member sends to another over the whole collective.
struct Edge {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  sim::Bytes bytes;
};

// An entry of the table of algorithms (collectives/registry.cpp).
struct Algorithm {
  std::string_view name;
  std::string_view summary;
  bool (*applies)(Kind kind, const GroupShape& shape);
  Schedule (*schedule)(Kind kind, const GroupShape& shape);
  // Equal to summing the Schedule's sends (a test holds it to that), without building it; what
  // passes a switch vertex appears as member-to-member edges that load every port alike.
  std::vector<Edge> (*traffic)(Kind kind, const GroupShape& shape, sim::Bytes bytes);
};

std::span<const Algorithm> algorithms();
const Algorithm* find_algorithm(std::string_view name);

}  // namespace collectives
