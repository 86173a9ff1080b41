#include "apps/cli_calibrate.hpp"

#include <CLI/CLI.hpp>

namespace apps {
namespace {

void add_profile(CLI::App& app, CalibrateOptions& options, Calibrate what) {
  app.add_option("--out", options.out, "Profile to write (default: stdout)");
  app.callback([&options, what] { options.what = what; });
}

}  // namespace

void add_calibrate(CLI::App& root, CalibrateOptions& options) {
  CLI::App* app = root.add_subcommand("calibrate", "Measured times in place of modelled ones");
  app->require_subcommand(1);
  CLI::App* mpi = app->add_subcommand("mpi", "Measure MPI collectives (under mpirun)");
  add_profile(*mpi, options, Calibrate::mpi);
  mpi->add_flag("--force", options.force, "Also with more ranks than cores; marks the profile");
  CLI::App* compute = app->add_subcommand("compute", "Measure kernels on this machine's cores");
  add_profile(*compute, options, Calibrate::compute);
  compute
      ->add_option("--processes", options.ranks,
                   "Processes that measure side by side (default: one a core)")
      ->check(CLI::Range(1U, 4096U));
  CLI::App* import = app->add_subcommand("import", "Read nccl-tests, OSU or kernel timings");
  add_profile(*import, options, Calibrate::import);
  import->add_option("files", options.files, "Files of benchmarks")->required();
  import->add_option("--ranks", options.ranks, "Ranks of the group, where the file is silent")
      ->check(CLI::Range(2U, 1U << 20U));
  import->add_option("--nodes", options.nodes, "Nodes they are on, where the file is silent")
      ->check(CLI::Range(1U, 1U << 20U));
  import->add_option("--kind", options.kind, "Collective, where the file is silent")
      ->check(CLI::IsMember(
          {"all_reduce", "all_gather", "reduce_scatter", "all_to_all", "broadcast", "send_recv"}));
  import->add_option("--device", options.device, "Catalogue device that kernels ran on");
  CLI::App* verify = app->add_subcommand(
      "verify", "Predict a small real training step, then run it (under mpirun)");
  add_profile(*verify, options, Calibrate::verify);
  verify->add_option("--calibration", options.calibration,
                     "Profile to predict from (default: measures one first)");
  verify->add_flag("--numerics", options.numerics,
                   "Only check that every strategy computes what one rank computes");
  // Not in the help: shows that the check of numerics finds a wrong gradient.
  verify->add_option("--spoil", options.spoil, "Strategy to compute wrongly")->group("");
  for (CLI::App* measuring : {mpi, compute, verify}) {
    measuring->add_option("--seconds", options.seconds, "Spend about so long measuring")
        ->check(CLI::Range(1.0, 86400.0))
        ->check([](const std::string& text) {  // which no range refuses
          return text.find_first_of("nN") == std::string::npos ? "" : "not a number: " + text;
        });
  }
}

}  // namespace apps
