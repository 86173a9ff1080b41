#include "apps/mpi/collective_bench.hpp"

#include <algorithm>
#include <cmath>

#include "apps/kernel_bench.hpp"
#include "studies/piecewise_fit.hpp"

namespace apps::mpi {
namespace {

using collectives::Call;
using collectives::Kind;

constexpr int kWarmUp = 1;
constexpr int kPilot = 2;
constexpr int kLeast = 4, kMost = 400;
constexpr int kFewest = 2;            // where there is hardly any time
constexpr double kHardlyAny = 0.005;  // s
constexpr double kOverdraft = 10.0;   // of the time, for the usual least: on a loaded machine

// Of every repetition the slowest member's time.
std::vector<double> repeat(MPI_Comm comm, int times, const std::function<void()>& work) {
  std::vector<double> local(static_cast<std::size_t>(times)), slowest(local.size());
  for (double& time : local) {
    MPI_Barrier(comm);
    const double begin = now_seconds();
    work();
    time = now_seconds() - begin;
  }
  MPI_Allreduce(local.data(), slowest.data(), times, MPI_DOUBLE, MPI_MAX, comm);
  return slowest;
}

void drop_outliers(std::vector<double>& times) {
  const double low = studies::quantile(times, 0.25), high = studies::quantile(times, 0.75);
  const double reach = 1.5 * (high - low);
  std::erase_if(times, [&](double time) { return time < low - reach || time > high + reach; });
}

std::size_t floats_in(std::int64_t bytes) { return static_cast<std::size_t>(bytes) / 4 + 1; }

}  // namespace

MeasuredTime time_together(MPI_Comm comm, double seconds, const std::function<void()>& work) {
  for (int i = 0; i < kWarmUp; ++i) work();
  const int pilot = seconds < kHardlyAny ? 1 : kPilot;
  const double once = std::max(1e-7, studies::median(repeat(comm, pilot, work)));
  const bool scarce = seconds < kHardlyAny || once * kLeast > kOverdraft * seconds;
  const double least = scarce ? kFewest : kLeast;
  const int times = static_cast<int>(std::clamp(seconds / once, least, double{kMost}));
  std::vector<double> all = repeat(comm, times, work);
  drop_outliers(all);
  std::sort(all.begin(), all.end());
  MeasuredTime out;
  out.repetitions = times;
  out.seconds = studies::median(all);
  // Ranks of the order statistics around the median: n/2 -+ 0.98 sqrt(n).
  const double n = static_cast<double>(all.size());
  const double spread = 0.98 * std::sqrt(n) / n;
  out.half_width = (studies::quantile(all, std::min(1.0, 0.5 + spread)) -
                    studies::quantile(all, std::max(0.0, 0.5 - spread))) /
                   (2.0 * out.seconds);
  return out;
}

CollectiveBuffers::CollectiveBuffers(std::int64_t largest)
    : send(floats_in(largest)), receive(floats_in(largest)) {}

CollectiveBench::CollectiveBench(MPI_Comm comm, CollectiveBuffers& buffers)
    : comm_(comm), buffers_(buffers) {
  MPI_Comm_size(comm, &members_);
  MPI_Comm_rank(comm, &rank_);
  MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
}

std::int64_t CollectiveBench::rounded(std::int64_t bytes) const {
  const std::int64_t unit = std::int64_t{4} * members_;
  return std::max<std::int64_t>(1, bytes / unit) * unit;
}

bool CollectiveBench::run_pair(int count, Call call) {
  const int other = 1 - rank_;
  int error = MPI_SUCCESS;
  for (int turn = 0; turn < 2 && error == MPI_SUCCESS; ++turn) {
    const bool sends = (turn == 0) == (rank_ == 0);
    MPI_Request request = MPI_REQUEST_NULL;
    if (sends && call == Call::blocking) {
      error = MPI_Send(outgoing(count), count, MPI_FLOAT, other, 1, comm_);
    } else if (sends) {
      error = MPI_Isend(outgoing(count), count, MPI_FLOAT, other, 1, comm_, &request);
    } else if (call == Call::blocking) {
      error = MPI_Recv(incoming(count), count, MPI_FLOAT, other, 1, comm_, MPI_STATUS_IGNORE);
    } else {
      error = MPI_Irecv(incoming(count), count, MPI_FLOAT, other, 1, comm_, &request);
    }
    MPI_Wait(&request, MPI_STATUS_IGNORE);
  }
  return error == MPI_SUCCESS;
}

bool CollectiveBench::run_ring(int count) {
  const int next = (rank_ + 1) % members_, previous = (rank_ + members_ - 1) % members_;
  return MPI_Sendrecv(outgoing(count), count, MPI_FLOAT, next, 1, incoming(count), count, MPI_FLOAT,
                      previous, 1, comm_, MPI_STATUS_IGNORE) == MPI_SUCCESS;
}

bool CollectiveBench::run_blocking(Kind kind, int total) {
  const int share = total / members_;
  switch (kind) {
    case Kind::all_reduce:
      return MPI_Allreduce(MPI_IN_PLACE, incoming(total), total, MPI_FLOAT, MPI_SUM, comm_) ==
             MPI_SUCCESS;
    case Kind::all_gather:
      return MPI_Allgather(outgoing(share), share, MPI_FLOAT, incoming(total), share, MPI_FLOAT,
                           comm_) == MPI_SUCCESS;
    case Kind::reduce_scatter:
      return MPI_Reduce_scatter_block(outgoing(total), incoming(share), share, MPI_FLOAT, MPI_SUM,
                                      comm_) == MPI_SUCCESS;
    case Kind::all_to_all:
      return MPI_Alltoall(outgoing(total), share, MPI_FLOAT, incoming(total), share, MPI_FLOAT,
                          comm_) == MPI_SUCCESS;
    case Kind::broadcast:
      return MPI_Bcast(incoming(total), total, MPI_FLOAT, 0, comm_) == MPI_SUCCESS;
    case Kind::send_recv:
      return members_ == 2 ? run_pair(total, Call::blocking) : run_ring(total);
  }
  return false;
}

MPI_Request CollectiveBench::start(Kind kind, std::int64_t bytes) {
  const int total = static_cast<int>(rounded(bytes) / 4), share = total / members_;
  MPI_Request request = MPI_REQUEST_NULL;
  switch (kind) {
    case Kind::all_reduce:
      MPI_Iallreduce(MPI_IN_PLACE, incoming(total), total, MPI_FLOAT, MPI_SUM, comm_, &request);
      break;
    case Kind::all_gather:
      MPI_Iallgather(outgoing(share), share, MPI_FLOAT, incoming(total), share, MPI_FLOAT, comm_,
                     &request);
      break;
    case Kind::reduce_scatter:
      MPI_Ireduce_scatter_block(outgoing(total), incoming(share), share, MPI_FLOAT, MPI_SUM, comm_,
                                &request);
      break;
    case Kind::all_to_all:
      MPI_Ialltoall(outgoing(total), share, MPI_FLOAT, incoming(total), share, MPI_FLOAT, comm_,
                    &request);
      break;
    case Kind::broadcast:
      MPI_Ibcast(incoming(total), total, MPI_FLOAT, 0, comm_, &request);
      break;
    case Kind::send_recv:
      break;
  }
  return request;
}

bool CollectiveBench::run(Kind kind, std::int64_t bytes, Call call) {
  const int total = static_cast<int>(rounded(bytes) / 4);
  if (call == Call::blocking) return run_blocking(kind, total);
  if (kind == Kind::send_recv) return members_ == 2 ? run_pair(total, call) : run_ring(total);
  MPI_Request request = start(kind, bytes);
  const bool started = request != MPI_REQUEST_NULL;
  MPI_Wait(&request, MPI_STATUS_IGNORE);
  return started;
}

MeasuredTime CollectiveBench::measure(Kind kind, std::int64_t bytes, Call call, double seconds) {
  buffers_.send.settle();
  buffers_.receive.settle();
  MeasuredTime time = time_together(comm_, seconds, [&] { run(kind, bytes, call); });
  if (kind == Kind::send_recv && members_ == 2) time.seconds /= 2.0;
  return time;
}

}  // namespace apps::mpi
