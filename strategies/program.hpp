// What one rank does in a step: a straight list of operations on streams, with the memory it takes.
// All ranks of one pipeline stage run the same program; only their groups differ.
//
// An operation waits for the previous one on its stream and for its dependencies (earlier
// operations of the same program). Members of a group meet at their n-th collective on it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "collectives/collective.hpp"
#include "sim/memory.hpp"
#include "sim/units.hpp"
#include "strategies/mesh.hpp"

namespace strategies {

enum class Stream : std::uint8_t {
  compute,
  tensor,
  context,
  expert,
  pipeline,
  gather,
  reduce,
  maxima,  // of fp8 tensors: a communicator of their own
  copy,    // device -> host
  fetch,   // host -> device
  host     // work of the processors of the host
};
inline constexpr std::size_t kStreams = 11;

// What time is spent on: the rows of the breakdown and the colours of a trace.
enum class Activity : std::uint8_t {
  forward,
  backward,
  weight_gradient,
  recompute,
  optimizer,
  other,  // compute
  tp,
  cp,
  ep,
  pp,
  dp,      // communication, by dimension
  offload  // copies between device and host
};
inline constexpr std::size_t kActivities = 12;
std::string_view name(Activity activity);

enum class OpKind : std::uint8_t {
  compute,
  collective,
  send,     // starts when its data is ready; the partner's `receive` waits for it
  receive,  // takes no time itself: what depends on it waits for the message
};

struct Op {
  OpKind kind = OpKind::compute;
  Stream stream = Stream::compute;
  Activity activity = Activity::other;
  collectives::Kind collective = collectives::Kind::all_reduce;
  GroupKind group = GroupKind::tensor;
  bool host_waits = false;  // the host issues nothing more before this has finished
  bool overlapped = false;  // meant to run beside compute
  std::int16_t chunk = -1;
  std::int32_t micro_batch = -1;
  std::int32_t layer = -1;
  sim::Time duration;         // compute: on the device
  sim::Time host;             // host time to issue it
  std::int32_t launches = 0;  // places it takes in the device's launch queue
  sim::Bytes recorded;        // its buffers that are let go of late (late_buffers.hpp)
  sim::Bytes bytes;           // communication: as collectives/collective.hpp counts them
  // On a second path at the same time: node-limited exchange, inside the nodes; offloading, NVMe.
  sim::Bytes forwarded;
  std::uint64_t message = 0;  // send, receive: what matches them
  double flops = 0.0;
  const char* name = "";
};

using OpIndex = std::uint32_t;

struct MemoryEvent {
  OpIndex position = 0;  // index of the next operation when the event happens
  sim::MemoryCategory category = sim::MemoryCategory::activations;
  std::int64_t bytes = 0;  // negative: freed
};

class Program {
 public:
  OpIndex append(const Op& op, std::span<const OpIndex> dependencies);
  void memory(sim::MemoryCategory category, std::int64_t bytes);

  void reserve(std::size_t operations);
  std::size_t size() const { return ops_.size(); }
  const Op& op(OpIndex index) const { return ops_[index]; }
  std::span<const Op> ops() const { return ops_; }
  std::span<const Stream> streams() const { return streams_; }  // of each: for who looks for few
  std::span<const OpIndex> dependencies(OpIndex index) const;
  std::span<const MemoryEvent> memory_events() const { return memory_; }

 private:
  std::vector<Op> ops_;
  std::vector<Stream> streams_;
  std::vector<std::uint32_t> dep_begin_{0};
  std::vector<OpIndex> deps_;
  std::vector<MemoryEvent> memory_;
};

// Replays a program's memory events. Ends with nothing but what lives between steps.
sim::MemoryLedger replay_memory(const Program& program);

}  // namespace strategies
