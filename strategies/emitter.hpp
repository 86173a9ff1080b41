// Writes a Program. Neighbouring compute without communication between it becomes one operation.
//
// Passes that run side by side are written as lanes: each as if it were alone, then merged so that
// one computes while the other's blocking communication is under way. Handles of operations are
// tickets of the emitter, not positions in the program, which a merge decides.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "strategies/host_costs.hpp"
#include "strategies/program.hpp"

namespace strategies {

struct Compute {
  Activity activity = Activity::forward;
  sim::Time device;  // time on the device
  int kernels = 0;   // launches the host issues
  double flops = 0.0;
  const char* name = "";
  sim::Time host{};  // what the host does for it besides launching kernels
};

struct Collective {
  GroupKind group = GroupKind::tensor;
  collectives::Kind kind = collectives::Kind::all_reduce;
  sim::Bytes bytes;
  Stream stream = Stream::tensor;
  Activity activity = Activity::tp;
  bool overlapped = false;
  const char* name = "";
  sim::Bytes forwarded{};     // as Op::forwarded
  bool synchronises = false;  // the host waits for the compute before it, then for its end
  sim::Bytes recorded{};      // as Op::recorded
};

// Where in the step the operations that follow belong.
struct Where {
  std::int16_t chunk = -1;
  std::int32_t micro_batch = -1;
  std::int32_t layer = -1;
};

class Emitter {
 public:
  Emitter(Program& program, const HostCosts& host) : program_(program), host_(host) {}

  void at(Where where) { where_ = where; }
  const Where& where() const { return where_; }

  void compute(const Compute& work);
  // Starts when the compute before it is done; what follows does not wait for it unless told to.
  OpIndex collective(const Collective& what);
  // Starts when the first `fraction` of the compute emitted since the last communication is done,
  // so that the rest of it runs beside the collective.
  OpIndex collective_beside_previous(const Collective& what, double fraction);
  OpIndex send(GroupKind to, sim::Bytes bytes, std::uint64_t message, bool overlapped);
  OpIndex receive(GroupKind from, std::uint64_t message, bool host_waits);

  void wait(OpIndex op);                        // all compute that follows waits
  void wait_late(OpIndex op, double fraction);  // of the next compute, the last `fraction` waits

  // The host reads a result of the compute so far before it issues more.
  void synchronise();

  void allocate(sim::MemoryCategory category, sim::Bytes amount);
  void free(sim::MemoryCategory category, sim::Bytes amount);

  // Ends the compute operation under construction. Returns the last compute operation, if any.
  std::optional<OpIndex> flush();

  // What follows goes into a new lane, beside the lanes begun before it...
  void begin_lane();
  // ... until here, where all of them are written. The first lane begins.
  void end_lanes();

 private:
  struct Draft {
    Op op;
    std::vector<OpIndex> dependencies;  // tickets
    OpIndex ticket = 0;
  };
  struct Lane {
    std::vector<Draft> drafts;
    std::vector<MemoryEvent> memory;  // position: index of the next draft
    std::size_t next = 0, next_memory = 0;
  };
  struct Late {
    OpIndex op;
    double fraction;
  };

  void add(const Compute& work);
  OpIndex append_communication(Op op);
  OpIndex append(const Op& op, std::span<const OpIndex> dependencies);
  void memory(sim::MemoryCategory category, std::int64_t bytes);
  bool advance(Lane& lane);
  bool placed(const Draft& draft) const;
  void write(const Op& op, std::span<const OpIndex> dependencies, OpIndex ticket);

  Program& program_;
  HostCosts host_;
  Where where_;
  std::optional<Compute> pending_;
  Where pending_where_;
  std::vector<OpIndex> waits_;  // for the next compute operation
  std::optional<Late> late_;
  bool host_waits_ = false;  // for the compute operation under construction
  std::optional<OpIndex> last_compute_;
  std::vector<OpIndex> position_;  // in the program, per ticket; kDraft until it has one
  std::vector<OpIndex> scratch_;
  std::vector<Lane> lanes_;
  std::optional<OpIndex> before_lanes_;  // last compute operation
};

}  // namespace strategies
