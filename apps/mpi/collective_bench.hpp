// Real MPI collectives, timed. Every member of the communicator calls the same functions in the
// same order; all of them see the same times.
#pragma once

#include <mpi.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "apps/arena.hpp"
#include "collectives/library.hpp"

namespace apps::mpi {

struct MeasuredTime {
  double seconds = 0.0;     // median over repetitions without outliers
  double half_width = 0.0;  // of its 95 % confidence interval, relative
  int repetitions = 0;
};

// Runs `work` between barriers, after a warm-up, until about `seconds` are spent: of each
// repetition the slowest member's time; outliers by Tukey's fences.
MeasuredTime time_together(MPI_Comm comm, double seconds, const std::function<void()>& work);

// Buffers as a training step has them: from memory, every call the next ones (apps/arena.hpp), for
// gradients and shards come from large arrays that were touched long ago; reductions to all in
// place, as gradients and tensor-parallel sums are, the other operations from one buffer to
// another.
struct CollectiveBuffers {
  // For up to `largest` bytes (as nccl-tests counts them).
  explicit CollectiveBuffers(std::int64_t largest);
  Arena send, receive;
};

class CollectiveBench {
 public:
  CollectiveBench(MPI_Comm comm, CollectiveBuffers& buffers);

  // What is really moved when `bytes` are asked for: whole floats for every member.
  std::int64_t rounded(std::int64_t bytes) const;

  // Once, without timing. send_recv: of two members a message and its answer (two one-way times);
  // of more, each sends to the next one. False where MPI refuses (an algorithm that cannot do it).
  bool run(collectives::Kind kind, std::int64_t bytes, collectives::Call call);

  // Starts it; MPI_REQUEST_NULL where MPI refuses.
  MPI_Request start(collectives::Kind kind, std::int64_t bytes);

  MeasuredTime measure(collectives::Kind kind, std::int64_t bytes, collectives::Call call,
                       double seconds);

  int members() const { return members_; }
  MPI_Comm comm() const { return comm_; }

 private:
  bool run_blocking(collectives::Kind kind, int total);
  bool run_pair(int count, collectives::Call call);
  bool run_ring(int count);
  float* outgoing(int count) { return buffers_.send.next(static_cast<std::size_t>(count)); }
  float* incoming(int count) { return buffers_.receive.next(static_cast<std::size_t>(count)); }

  MPI_Comm comm_;
  int members_ = 1;
  int rank_ = 0;
  CollectiveBuffers& buffers_;
};

}  // namespace apps::mpi
