// calibrate: measured times in place of modelled ones.
#include "apps/calibrate.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "apps/commands.hpp"
#include "apps/console.hpp"
#include "reports/file.hpp"
#include "scenarios/enum_names.hpp"

namespace apps {
namespace {

int needs_mpi(const char* what) {
  complain(
      fmt::format("calibrate {} measures several processes: run it under MPI,\n"
                  "  mpirun -n 2 ./stepcast calibrate {} --out FILE\n"
                  "(Debian packages openmpi-bin and libopenmpi-dev; as root, mpirun wants "
                  "--allow-run-as-root)",
                  what, what));
  return kIo;
}

}  // namespace

bool add_fit(const collectives::CalibratedFit& what, const std::vector<studies::Timing>& timings,
             const std::string& from, std::vector<studies::FittedCollective>& out) {
  std::vector<std::int64_t> sizes;
  for (const studies::Timing& timing : timings) sizes.push_back(timing.bytes);
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  if (sizes.size() < studies::kLeastPoints) {
    complain(fmt::format("warning: {} of {} ranks ({}): {} sizes cannot give latency and bandwidth",
                         collectives::name(what.kind), what.members, from, sizes.size()));
    return false;
  }
  const studies::CrossChecked checked = studies::fit_and_check(timings);
  studies::FittedCollective& fitted = out.emplace_back();
  fitted.fit = what;
  fitted.fit.segments = checked.segments;
  fitted.quality = checked.quality;
  fitted.from = from;
  return true;
}

studies::TextPairs device_keys_over(const std::string& base, const studies::DeviceFit& fit) {
  studies::TextPairs keys{{"base", base}};
  std::string efficiencies;
  for (const models::Precision precision : fit.precisions) {
    efficiencies += fmt::format("{}{}: {:.3f}", efficiencies.empty() ? "" : ", ",
                                scenarios::enum_name(precision),
                                fit.device.gemm_efficiency[static_cast<std::size_t>(precision)]);
  }
  if (!efficiencies.empty()) keys.emplace_back("gemm_efficiency", "{" + efficiencies + "}");
  if (fit.memory) {
    keys.emplace_back("memory_efficiency", fmt::format("{:.3f}", fit.device.memory_efficiency));
  }
  return keys;
}

int write_profile(const CalibrateOptions& options, const studies::CalibrationProfile& profile,
                  const std::string& quality) {
  for (const std::string& doubt : profile.doubts) complain("warning: " + doubt);
  const std::string text = studies::to_yaml(profile);
  if (options.out.empty() || options.out == "-") {
    print(text);
    return kOk;
  }
  reports::write_file(options.out, text);
  complain("wrote " + options.out);
  print(quality);
  return kOk;
}

int execute(const CalibrateOptions& options) {
  switch (options.what) {
    case Calibrate::import:
      return calibrate_import(options);
    case Calibrate::compute:
      return calibrate_compute(options);
    case Calibrate::mpi:
      return needs_mpi("mpi");
    case Calibrate::verify:
      return needs_mpi("verify");
  }
  return kUsage;
}

}  // namespace apps
