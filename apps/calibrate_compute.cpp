// calibrate compute: kernels on this machine's cores into a device profile. As many processes as
// will train side by side measure at the same time, for they share memory, caches and power.
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>
#include <thread>

#include "apps/calibrate.hpp"
#include "apps/commands.hpp"
#include "apps/console.hpp"
#include "apps/device_profile.hpp"
#include "apps/kernel_bench.hpp"
#include "apps/machine.hpp"
#include "reports/file.hpp"

namespace apps {
namespace {

constexpr double kUsualSeconds = 30.0;

// Memory that the processes share: a barrier and a row of times each.
class Shared {
 public:
  Shared(unsigned processes, std::size_t kernels)
      : processes_(processes),
        kernels_(kernels),
        bytes_(sizeof(Barrier) + processes * kernels * 8) {
    memory_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
    new (memory_) Barrier{};
  }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  ~Shared() { munmap(memory_, bytes_); }

  // Until all processes are here; gives up when one has gone for a minute. True when any of them
  // passed `over`.
  bool meet(bool over) {
    Barrier& barrier = *static_cast<Barrier*>(memory_);
    const unsigned round = barrier.round.load();
    // Whoever is first in the next round writes to the other word.
    std::atomic<bool>& any = barrier.over[round % 2];
    if (over) any.store(true);
    if (barrier.arrived.fetch_add(1) + 1 == processes_) {
      barrier.arrived.store(0);
      barrier.round.store(round + 1);
      return any.load();
    }
    const double end = now_seconds() + 60.0;
    while (barrier.round.load() == round) {
      if (now_seconds() > end) _exit(1);
      std::this_thread::yield();
    }
    return any.load();
  }

  std::vector<double> times() { return {row(0), row(processes_)}; }
  double* row(unsigned process) {
    auto* first = reinterpret_cast<double*>(static_cast<char*>(memory_) + sizeof(Barrier));
    return first + process * kernels_;
  }

 private:
  struct alignas(64) Barrier {
    std::atomic<unsigned> arrived{0};
    std::atomic<unsigned> round{0};
    std::atomic<bool> over[2]{};
  };
  unsigned processes_;
  std::size_t kernels_;
  std::size_t bytes_;
  void* memory_;
};

void measure(Shared& shared, unsigned process, const std::vector<studies::MeasuredKernel>& kernels,
             double seconds) {
  const Blas blas;
  const std::vector<double> times =
      time_kernels(kernels, blas, seconds, [&](bool over) { return shared.meet(over); });
  std::copy(times.begin(), times.end(), shared.row(process));
}

// Every process but this one is a child; false when one of them failed.
bool measure_side_by_side(Shared& shared, unsigned processes,
                          const std::vector<studies::MeasuredKernel>& kernels, double seconds) {
  std::vector<pid_t> children;
  for (unsigned process = 1; process < processes; ++process) {
    const pid_t child = fork();
    if (child < 0) throw reports::OutputError("cannot start the measuring processes");
    if (child == 0) {
      measure(shared, process, kernels, seconds);
      _exit(0);
    }
    children.push_back(child);
  }
  measure(shared, 0, kernels, seconds);
  bool good = true;
  for (const pid_t child : children) {
    int status = 0;
    good = waitpid(child, &status, 0) == child && status == 0 && good;
  }
  return good;
}

}  // namespace

int calibrate_compute(const CalibrateOptions& options) {
  const LocalMachine machine = local_machine();
  const unsigned processes = options.ranks > 0 ? options.ranks : machine.cores;
  const std::vector<studies::MeasuredKernel> kernels = kernels_to_measure();
  Shared shared(processes, kernels.size());
  const Blas blas;  // says what is missing before anything is started
  const double seconds = options.seconds > 0.0 ? options.seconds : kUsualSeconds;
  if (!measure_side_by_side(shared, processes, kernels, seconds)) {
    complain("a measuring process failed");
    return kInternalFault;
  }
  studies::CalibrationProfile profile;
  profile.method = "compute";
  profile.made = utc_now();
  profile.machine = describe(machine);
  profile.fingerprint = fingerprint(machine);
  profile.fingerprint.emplace_back("blas", blas.version());
  profile.observations.emplace_back("processes", std::to_string(processes));
  if (processes > machine.cores) {
    profile.doubts.push_back(fmt::format("{} processes shared {} cores", processes, machine.cores));
  }
  const std::string quality =
      add_local_device(machine, processes, joined(kernels, shared.times()), profile);
  return write_profile(options, profile, quality);
}

}  // namespace apps
