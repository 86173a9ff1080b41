// Writes a Program. Neighbouring compute without communication between it becomes one operation.
#pragma once

#include <optional>
#include <vector>

#include "strategies/program.hpp"

namespace strategies {

struct Compute {
  Activity activity = Activity::forward;
  sim::Time device;  // time on the device
  int kernels = 0;   // launches the host issues
  double flops = 0.0;
  const char* name = "";
};

struct Collective {
  GroupKind group = GroupKind::tensor;
  collectives::Kind kind = collectives::Kind::all_reduce;
  sim::Bytes bytes;
  Stream stream = Stream::tensor;
  Activity activity = Activity::tp;
  bool overlapped = false;
  const char* name = "";
};

// Where in the step the operations that follow belong.
struct Where {
  std::int16_t chunk = -1;
  std::int32_t micro_batch = -1;
  std::int32_t layer = -1;
};

class Emitter {
 public:
  // `launch` is the host's time per kernel; zero when the host never matters.
  Emitter(Program& program, sim::Time launch) : program_(program), launch_(launch) {}

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

  void allocate(sim::MemoryCategory category, sim::Bytes amount);
  void free(sim::MemoryCategory category, sim::Bytes amount);

  // Ends the compute operation under construction. Returns the last compute operation, if any.
  std::optional<OpIndex> flush();

 private:
  struct Late {
    OpIndex op;
    double fraction;
  };

  void add(const Compute& work);
  OpIndex append_communication(Op op);

  Program& program_;
  sim::Time launch_;
  Where where_;
  std::optional<Compute> pending_;
  Where pending_where_;
  std::vector<OpIndex> waits_;  // for the next compute operation
  std::optional<Late> late_;
  std::optional<OpIndex> last_compute_;
};

}  // namespace strategies
