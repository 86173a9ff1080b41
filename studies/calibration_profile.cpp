#include "studies/calibration_profile.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/convert.hpp"

namespace studies {
namespace {

using scenarios::yaml_text;

std::string segment_text(const collectives::FitSegment& segment) {
  return fmt::format("{{from: {} B, latency: {:.6g} us, bandwidth: {:.6g} GB/s}}",
                     segment.from.count(), segment.latency.seconds() * 1e6,
                     segment.bandwidth.bytes_per_second() * 1e-9);
}

std::string quality_yaml(const FittedCollective& fitted) {
  const FitQuality& q = fitted.quality;
  std::string text = fmt::format(
      "{{points: {}, fit_median_error: {:.4f}, held_out: {}, median_error: {:.4f}, "
      "p90_error: {:.4f}, worst_error: {:.4f}",
      q.points, q.fit_median, q.held_out, q.median, q.p90, q.worst);
  if (fitted.half_width > 0.0) {
    text += fmt::format(", confidence_half_width: {:.4f}", fitted.half_width);
  }
  return text + fmt::format(", from: {}}}", yaml_text(fitted.from));
}

std::string fit_yaml(const FittedCollective& fitted) {
  const collectives::CalibratedFit& fit = fitted.fit;
  std::string text = fmt::format("  - kind: {}\n    members: {}\n    domains: {}\n",
                                 scenarios::enum_name(fit.kind), fit.members, fit.domains);
  if (fit.call != collectives::Call::blocking) {
    text += fmt::format("    call: {}\n", scenarios::enum_name(fit.call));
  }
  if (fit.algorithm != "default") {
    text += fmt::format("    algorithm: {}\n", yaml_text(fit.algorithm));
  }
  if (fit.compute_share) text += fmt::format("    compute_share: {:.4f}\n", *fit.compute_share);
  text += "    segments:\n";
  for (const auto& segment : fit.segments) text += "      - " + segment_text(segment) + "\n";
  return text + "    quality: " + quality_yaml(fitted) + "\n";
}

std::string pairs_yaml(const char* key, const TextPairs& pairs, bool quote) {
  if (pairs.empty()) return {};
  std::string text = fmt::format("{}:\n", key);
  for (const auto& [name, value] : pairs) {
    std::string line = value;
    while (line.ends_with('\n')) line.pop_back();
    std::replace(line.begin(), line.end(), '\n', ';');
    text += fmt::format("  {}: {}\n", name, quote ? yaml_text(line) : line);
  }
  return text;
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100.0 * share); }

}  // namespace

std::string to_yaml(const CalibrationProfile& profile) {
  std::string text =
      "# Written by stepcast calibrate; a scenario names it as cluster.calibration.\n";
  text += fmt::format("method: {}\nmade: {}\nmachine: {}\nreliable: {}\n", profile.method,
                      yaml_text(profile.made), yaml_text(profile.machine), profile.reliable());
  if (!profile.doubts.empty()) text += "doubts:\n";
  for (const std::string& doubt : profile.doubts) text += "  - " + yaml_text(doubt) + "\n";
  text += pairs_yaml("fingerprint", profile.fingerprint, true);
  text += pairs_yaml("observations", profile.observations, true);
  text += pairs_yaml("device", profile.device, false);
  if (!profile.fits.empty()) text += "fits:\n";
  for (const FittedCollective& fitted : profile.fits) text += fit_yaml(fitted);
  return text;
}

std::string quality_text(const std::vector<FittedCollective>& fits) {
  std::string text =
      fmt::format("{:<15} {:>5} {:>7} {:<34} {:>6} {:>8} {:>9} {:>9}  {}\n", "collective", "ranks",
                  "domains", "algorithm", "pieces", "held out", "median", "90 %", "from");
  for (const FittedCollective& f : fits) {
    const bool plain = f.fit.call == collectives::Call::blocking;
    const std::string algorithm = plain ? f.fit.algorithm : f.fit.algorithm + ", nonblocking";
    text += fmt::format("{:<15} {:>5} {:>7} {:<34} {:>6} {:>8} {:>9} {:>9}  {}\n",
                        collectives::name(f.fit.kind), f.fit.members, f.fit.domains, algorithm,
                        f.fit.segments.size(), f.quality.held_out, percent(f.quality.median),
                        percent(f.quality.p90), f.from);
  }
  return text;
}

}  // namespace studies
