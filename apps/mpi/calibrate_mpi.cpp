// calibrate mpi: latency, bandwidth and protocol switches of real collectives.
//
// A quarter of the sizes takes no part in the fit and tests it.
#include <fmt/format.h>
#include <mpi.h>

#include <algorithm>
#include <set>

#include "apps/calibrate.hpp"
#include "apps/commands.hpp"
#include "apps/console.hpp"
#include "apps/device_profile.hpp"
#include "apps/kernel_bench.hpp"
#include "apps/machine.hpp"
#include "apps/mpi/algorithms.hpp"
#include "apps/mpi/calibrate.hpp"
#include "apps/mpi/collective_bench.hpp"
#include "apps/mpi/collective_sweep.hpp"
#include "apps/mpi/overlap_bench.hpp"

namespace apps::mpi {
namespace {

using collectives::Call;
using collectives::Kind;
using studies::Timing;

constexpr Kind kKinds[] = {Kind::all_reduce, Kind::all_gather, Kind::reduce_scatter,
                           Kind::all_to_all, Kind::broadcast,  Kind::send_recv};
constexpr double kUsualSeconds = 60.0;
constexpr int kPasses = 3;

// How many sizes make a fit and test it, and how many a forced algorithm gets.
struct Counts {
  std::size_t fitted, tested, forced;
};
constexpr Counts kFull{54, 18, 14}, kBrief{12, 6, 6};
constexpr double kBriefSeconds = 10.0;  // with less time, fewer sizes rather than bad ones
// A loaded machine needs longer for the same. From so many times the time that was asked for, only
// what a fit cannot do without is measured.
constexpr double kOverrun = 1.5;

struct Group {
  MPI_Comm comm = MPI_COMM_NULL;  // null on ranks outside it
  int members = 0;
  int domains = 1;
  int stride = 1;
};

// Ranks 0, stride, 2 stride, …
Group make_group(int members, int stride) {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  const bool inside = rank % stride == 0 && rank / stride < members;
  Group group{MPI_COMM_NULL, members, 1, stride};
  MPI_Comm_split(MPI_COMM_WORLD, inside ? 0 : MPI_UNDEFINED, rank, &group.comm);
  if (inside) group.domains = nodes_of(group.comm);
  return group;
}

class Campaign {
 public:
  explicit Campaign(double seconds)
      : seconds_(seconds),
        end_(now_seconds() + kOverrun * seconds),
        counts_(seconds < kBriefSeconds ? kBrief : kFull) {
    int size = 1;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    std::set<std::pair<int, int>> shapes{{size, 1}};
    for (int members = 2; members < size; members *= 2) {
      shapes.insert({members, 1});
      shapes.insert({members, size / members});
    }
    for (const auto& [members, stride] : shapes) groups_.push_back(make_group(members, stride));
  }

  // Whether something was left out because the time was over.
  bool cut_short() const { return cut_short_; }

  std::vector<studies::FittedCollective> run() {
    const double each = seconds_ / static_cast<double>(groups_.size());
    for (const Group& group : groups_) {
      if (group.comm != MPI_COMM_NULL) measure(group, each);
      wait_for_all();
    }
    return std::move(fits_);
  }

 private:
  void measure(const Group& group, double seconds) {
    CollectiveBench bench(group.comm, buffers_);
    const SweepSizes sizes = make_sizes(counts_.fitted, counts_.tested);
    const double share = seconds / std::size(kKinds);
    std::vector<CollectiveSweep> sweeps;
    for (const Kind kind : kKinds) {
      for (const Call call : {Call::blocking, Call::nonblocking}) {
        if (bench.run(kind, kSmallestMessage, call)) sweeps.emplace_back(kind, call, sizes, bench);
      }
    }
    for (int pass = 0; pass < kPasses; ++pass) {
      if (pass > 0 && late(group.comm)) break;
      for (CollectiveSweep& sweep : sweeps) {
        const double part = sweep.call() == Call::blocking ? 0.45 : 0.25;
        sweep.pass(
            bench, part * share / kPasses, [&] { return late(group.comm); }, kBrief.fitted,
            kBrief.tested);
      }
    }
    for (const CollectiveSweep& sweep : sweeps) finish(bench, group, sweep, 0.15 * share);
    if (group.stride > 1) return;
    for (const Kind kind : kKinds) forced(group, kind, 0.15 * share);
  }

  // The same on all members, who measure together.
  bool late(MPI_Comm comm) {
    int over = now_seconds() > end_ ? 1 : 0;
    MPI_Allreduce(MPI_IN_PLACE, &over, 1, MPI_INT, MPI_MAX, comm);
    cut_short_ = cut_short_ || over != 0;
    return over != 0;
  }

  void finish(CollectiveBench& bench, const Group& group, const CollectiveSweep& sweep,
              double overlap_seconds) {
    studies::FittedCollective& out = add(group, sweep.kind(), sweep.call());
    sweep.fit(out);
    if (group.stride > 1) out.fit.algorithm = fmt::format("default, stride {}", group.stride);
    if (sweep.call() == Call::blocking || sweep.kind() == Kind::send_recv) return;
    out.fit.compute_share =
        compute_share(bench, sweep.kind(), late(group.comm) ? 0.0 : overlap_seconds);
  }

  // Every algorithm the library has, by itself.
  void forced(const Group& group, Kind kind, double seconds) {
    const std::vector<std::string> names = algorithms_of(kind);
    const SweepSizes sizes = make_sizes(counts_.forced, 0);
    for (std::size_t i = 0; i < names.size(); ++i) {
      const bool hurry = late(group.comm);
      // A brief measurement has nothing left to leave out.
      if (hurry && counts_.forced > kBrief.forced) return;
      const int number = static_cast<int>(i) + 1;
      MPI_Comm comm = with_algorithm(group.comm, kind, number);
      {
        CollectiveBench bench(comm, buffers_);
        if (bench.run(kind, kSmallestMessage, Call::blocking)) {
          std::vector<Timing> timings;
          const double each =
              hurry ? 0.0 : seconds / static_cast<double>(names.size() * sizes.fitted.size());
          for (const std::int64_t size : sizes.fitted) {
            const std::int64_t bytes = bench.rounded(size);
            timings.push_back({bytes, bench.measure(kind, bytes, Call::blocking, each).seconds});
          }
          studies::FittedCollective& out = add(group, kind, Call::blocking);
          const studies::CrossChecked checked = studies::fit_and_check(timings);
          out.fit.algorithm = names[i];
          out.fit.segments = checked.segments;
          out.quality = checked.quality;
        }
      }
      MPI_Comm_free(&comm);
    }
  }

  studies::FittedCollective& add(const Group& group, Kind kind, Call call) {
    studies::FittedCollective& out = fits_.emplace_back();
    out.fit.kind = kind;
    out.fit.members = static_cast<std::uint32_t>(group.members);
    out.fit.domains = static_cast<std::uint32_t>(group.domains);
    out.fit.call = call;
    out.from = fmt::format("this machine, stride {}", group.stride);
    return out;
  }

  double seconds_;
  double end_;
  bool cut_short_ = false;
  Counts counts_;
  std::vector<Group> groups_;
  CollectiveBuffers buffers_{kLargestMessage};
  std::vector<studies::FittedCollective> fits_;
};

}  // namespace

studies::CalibrationProfile measure_collectives(const Session& session, double seconds) {
  studies::CalibrationProfile profile;
  LocalMachine machine = local_machine();
  const Crowding where = crowding();
  machine.cores = static_cast<unsigned>(where.cores);  // this rank alone may be bound to one
  profile.method = "mpi";
  profile.made = utc_now();
  profile.machine =
      fmt::format("{} ranks on {} x {}", session.size(), where.nodes, describe(machine));
  profile.fingerprint = fingerprint(machine);
  char version[MPI_MAX_LIBRARY_VERSION_STRING] = "";
  int length = 0;
  MPI_Get_library_version(version, &length);
  const std::string library(version, static_cast<std::size_t>(length));
  profile.fingerprint.emplace_back("mpi", library.substr(0, library.find(',')));
  if (where.crowded()) {
    profile.doubts.push_back(
        fmt::format("{} ranks shared {} cores: times are the scheduler's as much as MPI's",
                    where.ranks, where.cores));
  }
  Campaign campaign(seconds);
  profile.fits = campaign.run();
  if (campaign.cut_short()) {
    profile.observations.emplace_back(
        "cut_short", fmt::format("after {:.0f} s, with fewer sizes or forced algorithms than usual",
                                 kOverrun * seconds));
  }
  profile.observations.emplace_back("contention", contention());
  return profile;
}

int calibrate_collectives(const Session& session, const CalibrateOptions& options) {
  const bool speaks = session.rank() == 0;
  if (session.size() < 2) {
    if (speaks)
      complain("calibrate mpi measures several ranks: mpirun -n 2 ./stepcast calibrate mpi");
    return kUsage;
  }
  if (const Crowding where = crowding(); where.crowded() && !options.force) {
    if (speaks) {
      complain(
          fmt::format("{} ranks on {} cores measure the scheduler, not MPI; --force does it "
                      "all the same and marks the profile",
                      where.ranks, where.cores));
    }
    return kLimit;
  }
  const double seconds = options.seconds > 0.0 ? options.seconds : kUsualSeconds;
  const studies::CalibrationProfile profile = measure_collectives(session, seconds);
  return speaks ? write_profile(options, profile, studies::quality_text(profile.fits)) : kOk;
}

}  // namespace apps::mpi
