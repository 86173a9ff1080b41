// stepcast-mpi: stepcast under mpirun. Rank 0 does what `stepcast` does; the other ranks help with
// the commands that can be spread, and wait in all others.
#include <cstdio>
#include <string_view>

#include "apps/mpi/algorithms.hpp"
#include "apps/mpi/calibrate.hpp"
#include "apps/mpi/search.hpp"
#include "apps/mpi/team.hpp"
#include "apps/mpi/verify.hpp"
#include "apps/program.hpp"

namespace {

using apps::mpi::Session;

bool needs_ranks(const apps::CalibrateOptions& options) {
  return options.what == apps::Calibrate::mpi || options.what == apps::Calibrate::verify;
}

int calibrate_on_ranks(const Session& session, const apps::CalibrateOptions& options) {
  return options.what == apps::Calibrate::mpi ? apps::mpi::calibrate_collectives(session, options)
                                              : apps::mpi::calibrate_verify(session, options);
}

int lead(Session& session, const apps::Invocation& invocation) {
  if (const auto* search = std::get_if<apps::SearchOptions>(&invocation)) {
    return apps::mpi::lead_search(session, *search);
  }
  if (const auto* calibrate = std::get_if<apps::CalibrateOptions>(&invocation)) {
    if (needs_ranks(*calibrate)) return calibrate_on_ranks(session, *calibrate);
  }
  return apps::execute_any(invocation);
}

void help(Session& session, const apps::Invocation& invocation) {
  if (const auto* search = std::get_if<apps::SearchOptions>(&invocation)) {
    apps::mpi::serve_search(session, *search);
    return;
  }
  const auto* calibrate = std::get_if<apps::CalibrateOptions>(&invocation);
  try {
    if (calibrate && needs_ranks(*calibrate)) calibrate_on_ranks(session, *calibrate);
  } catch (const std::exception&) {  // rank 0 has the same, and says so
  }
  apps::mpi::stand_by();
}

// Only rank 0 speaks: the others see the same command line.
int follow(Session& session, int argc, char** argv) {
  apps::Invocation invocation;
  if (std::freopen("/dev/null", "w", stdout) == nullptr) return apps::kIo;
  try {
    invocation = apps::parse(argc, argv);
  } catch (const apps::UsageError&) {
    invocation = apps::Answered{};
  }
  help(session, invocation);
  return apps::kOk;
}

}  // namespace

int main(int argc, char** argv) {
  const bool calibrates = argc > 1 && std::string_view(argv[1]) == "calibrate";
  if (calibrates) apps::mpi::allow_forced_algorithms();
  try {
    Session session(&argc, &argv);
    if (session.rank() > 0) return follow(session, argc, argv);
    const int code = apps::run_program(
        argc, argv, [&](const apps::Invocation& invocation) { return lead(session, invocation); });
    apps::mpi::end_all(session);
    return code;
  } catch (const apps::mpi::MpiError& error) {
    std::fprintf(stderr, "stepcast: %s\n", error.what());
    return apps::kInternalFault;
  }
}
