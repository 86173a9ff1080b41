// calibrate import: files of other benchmarks into a profile.
#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <tuple>

#include "apps/calibrate.hpp"
#include "apps/commands.hpp"
#include "apps/console.hpp"
#include "apps/device_profile.hpp"
#include "apps/machine.hpp"
#include "formats/benchmark.hpp"
#include "scenarios/reader.hpp"
#include "scenarios/source.hpp"

namespace apps {
namespace {

constexpr std::size_t kLargestFile = std::size_t{64} << 20U;

// Sweeps of one collective over one group, from however many files.
struct Gathered {
  std::vector<studies::Timing> timings;
  std::string from, library, device;
};
using GroupKey = std::tuple<collectives::Kind, std::uint32_t, std::uint32_t>;

struct Input {
  std::map<GroupKey, Gathered> groups;
  std::vector<studies::MeasuredKernel> kernels;
  std::string library, device;
};

[[noreturn]] void refuse(const std::string& file, const std::string& message,
                         const std::string& hint) {
  throw scenarios::ScenarioError(scenarios::ErrorKind::invalid_input,
                                 {{file, 0, 0, "", message, hint, ""}});
}

void gather(const formats::Sweep& sweep, const std::string& file, Input& input) {
  Gathered& group = input.groups[{sweep.kind, sweep.members, sweep.nodes}];
  const bool other =
      !group.from.empty() && (group.library != sweep.library || group.device != sweep.device);
  if (other) {
    complain(
        fmt::format("warning: {}: {} of {} ranks was measured on another library or device "
                    "than in {}; both go into one fit",
                    file, collectives::name(sweep.kind), sweep.members, group.from));
  }
  group.library = sweep.library;
  group.device = sweep.device;
  if (input.library.empty()) input.library = sweep.library;
  if (input.device.empty()) input.device = sweep.device;
  const std::string name = std::filesystem::path(file).filename().string();
  group.from += (group.from.empty() ? "" : ", ") + name;
  for (const formats::BenchmarkPoint& point : sweep.points) {
    group.timings.push_back({point.bytes.count(), point.seconds});
  }
}

void read(const std::string& file, const CalibrateOptions& options, Input& input) {
  const std::string text = scenarios::read_regular_file(file, kLargestFile);
  const formats::BenchmarkHints hints{std::filesystem::path(file).filename().string(),
                                      options.ranks, options.nodes, options.kind};
  const formats::Benchmark benchmark = formats::read_benchmark(text, hints);
  for (const formats::BenchmarkWarning& warning : benchmark.warnings) {
    const std::string line = warning.line > 0 ? fmt::format("{}:", warning.line) : "";
    complain(fmt::format("warning: {}:{} {}", file, line, warning.message));
  }
  for (const formats::Sweep& sweep : benchmark.sweeps) gather(sweep, file, input);
  for (const formats::KernelTiming& k : benchmark.kernels) {
    input.kernels.push_back({k.gemm, k.m, k.n, k.k, k.batch, k.precision, k.bytes, k.seconds});
  }
}

models::Device catalogue_device(const std::string& name) {
  const std::string text = fmt::format(
      "model: gpt2\ncluster: {{device: {}, gpus: 1, gpus_per_node: 1}}\n"
      "training: {{seq_len: 128, global_batch: 1}}\n",
      name);
  return scenarios::read_scenario_text(text, "--device").device;
}

}  // namespace

int calibrate_import(const CalibrateOptions& options) {
  Input input;
  for (const std::string& file : options.files) read(file, options, input);
  studies::CalibrationProfile profile;
  profile.method = "import";
  profile.made = utc_now();
  profile.machine = input.device.empty() ? options.device : input.device;
  if (!input.library.empty()) profile.fingerprint.emplace_back("library", input.library);
  profile.fingerprint.emplace_back("stepcast", STEPCAST_VERSION);
  for (const auto& [key, group] : input.groups) {
    collectives::CalibratedFit fit;
    std::tie(fit.kind, fit.members, fit.domains) = key;
    add_fit(fit, group.timings, group.from, profile.fits);
  }
  std::string quality = profile.fits.empty() ? "" : studies::quality_text(profile.fits);
  if (!input.kernels.empty()) {
    if (options.device.empty()) {
      throw UsageError("kernel timings need --device NAME: the catalogue device they ran on");
    }
    const auto fit = studies::fit_device(catalogue_device(options.device), input.kernels);
    profile.device = device_keys_over(options.device, fit);
    profile.observations.emplace_back("kernels", device_quality_text(fit));
    quality += device_quality_text(fit);
  }
  if (profile.fits.empty() && profile.device.empty()) {
    refuse(options.files.front(), "nothing in these files can be fitted",
           "nccl-tests text or -J JSON, OSU micro-benchmarks, or kernel timings as CSV");
  }
  return write_profile(options, profile, quality);
}

}  // namespace apps
