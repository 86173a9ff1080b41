#include "reports/summary.hpp"

#include <fmt/format.h>

#include "reports/breakdown.hpp"
#include "reports/table.hpp"
#include "reports/text.hpp"
#include "scenarios/utf8.hpp"

namespace reports {
namespace {

using scenarios::Report;

constexpr std::size_t kBarWidth = 30;

std::string paint(std::string_view text, const char* code, Colour colour) {
  if (colour == Colour::off) return std::string(text);
  return fmt::format("\033[{}m{}\033[0m", code, text);
}

std::string plan_text(const strategies::Plan& plan) {
  std::string text = fmt::format("tp {} · cp {} · pp {}", plan.tp, plan.cp, plan.pp);
  if (plan.vpp > 1) text += fmt::format(" × {} chunks", plan.vpp);
  text += fmt::format(" · dp {}", plan.dp);
  if (plan.ep > 1) text += fmt::format(" · ep {}", plan.ep);
  if (plan.pp > 1) text += fmt::format(" · {}", plan.schedule);
  if (plan.zero > 0) text += fmt::format(" · ZeRO-{}", plan.zero);
  return text;
}

std::string heading(const Report& report, Colour colour) {
  const auto& scenario = report.scenario;
  const std::string name = scenarios::printable(scenario.name);
  std::string out = paint(name, "1", colour) + "\n";
  out += fmt::format("  {} on {} × {} · {} · batch {} × {} tokens\n",
                     scenarios::printable(scenario.model.name), grouped(scenario.cluster.gpus),
                     scenarios::printable(scenario.device.name),
                     scenarios::printable(scenario.implementation.name),
                     grouped(scenario.training.global_batch), grouped(scenario.training.seq_len));
  return out + "  " + plan_text(scenario.plan) + "\n\n";
}

std::string headline(const Report& report) {
  const auto gpus = static_cast<double>(report.scenario.cluster.gpus);
  Table table({{"", Align::left}, {""}, {"", Align::left}});
  table.row({"step time", time_text(report.step_time), ""});
  table.row({"throughput", si_text(report.tokens_per_s, "tokens/s"),
             fmt::format("{:.1f} tokens/s per GPU", report.tokens_per_s / gpus)});
  table.row(
      {"model FLOP/s", fmt::format("{:.1f} TFLOP/s", report.model_tflops_per_gpu),
       fmt::format("per GPU; {:.1f} without the causal half", report.model_tflops_per_gpu_full)});
  table.row({"MFU", percent_text(report.mfu), fmt::format("HFU {}", percent_text(report.hfu))});
  return table.text(2) + "\n";
}

std::string time_rows(const Report& report) {
  Table table({{"", Align::left}, {""}, {""}, {"", Align::left}});
  const double whole = exact_seconds(report.step_time);
  for (const BreakdownRow& row : kBreakdownRows) {
    const sim::Time part = report.breakdown.*row.part;
    if (part == sim::Time::zero()) continue;
    const double share = whole > 0.0 ? exact_seconds(part) / whole : 0.0;
    table.row(
        {std::string(row.label), time_text(part), percent_text(share), bar(share, kBarWidth)});
  }
  return "Where the step goes\n" + table.text(2) + "\n";
}

std::string memory_rows(const Report& report) {
  if (report.stages.empty()) return {};
  const scenarios::StageMemory& worst = report.stages[report.worst_stage];
  Table table({{"", Align::left}, {""}, {"", Align::left}});
  const double device = report.device_memory.as_double();
  for (std::size_t c = 0; c < sim::kMemoryCategories; ++c) {
    const sim::Bytes amount = worst.categories[c];
    if (amount == sim::Bytes{}) continue;
    table.row({sim::kMemoryCategoryNames[c], gib_text(amount),
               bar(device > 0.0 ? amount.as_double() / device : 0.0, kBarWidth)});
  }
  table.row({"allocated", gib_text(worst.allocated),
             worst.peak_at.empty() ? "" : "peak " + worst.peak_at});
  table.row({"reserved", gib_text(worst.reserved), ""});
  table.row(
      {"driver", gib_text(worst.driver), fmt::format("of {}", gib_text(report.device_memory))});
  return fmt::format("Memory of the fullest rank (stage {}, rank {})\n", worst.stage, worst.rank) +
         table.text(2);
}

std::string fit_text(const Report& report, Colour colour) {
  if (report.stages.empty()) return {};
  const sim::Bytes driver = report.stages[report.worst_stage].driver;
  if (report.fits) {
    return "  " + paint("fits", "32", colour) + ", " + gib_text(report.device_memory - driver) +
           " to spare\n";
  }
  std::string out = "  " + paint("does not fit", "31;1", colour) + ": " +
                    gib_text(driver - report.device_memory) + " too much\n";
  for (const std::string& line : report.advice) out += "  try " + scenarios::printable(line) + "\n";
  return out;
}

// Where the prices of collectives came from, and what the model alone would say.
std::string calibration_text(const Report& report) {
  const scenarios::CalibrationOrigin& origin = report.scenario.calibration_origin;
  if (origin.file.empty()) return {};
  std::string out = "\nCalibrated by " + scenarios::printable(origin.file);
  if (!origin.machine.empty()) out += " (" + scenarios::printable(origin.machine) + ")";
  if (!origin.reliable) out += ", marked unreliable";
  out += "\n";
  Table table({{"", Align::left}, {""}, {""}, {"", Align::left}});
  for (const strategies::PricedGroup& group : report.prices) {
    table.row({std::string(collectives::name(group.kind)), fmt::format("{} ranks", group.members),
               fmt::format("{} domain{}", group.domains, group.domains == 1 ? "" : "s"),
               std::string(source_text(group.source))});
  }
  if (!report.prices.empty()) out += table.text(2);
  if (device_is_calibrated(report.scenario)) out += "  device  as measured, in both step times\n";
  if (report.uncalibrated_step_time) {
    const double change = exact_seconds(report.step_time - *report.uncalibrated_step_time) /
                          exact_seconds(*report.uncalibrated_step_time);
    out += fmt::format(
        "  step time {} with measured collectives, {} with modelled ones ({:+.1f} %)\n",
        time_text(report.step_time), time_text(*report.uncalibrated_step_time), 100.0 * change);
  }
  return out;
}

std::string foot(const Report& report, Colour colour) {
  std::string out = "\n";
  for (const scenarios::Warning& warning : report.scenario.warnings) {
    out += paint("warning", "33", colour) + ": " + scenarios::printable(warning.message);
    if (!warning.position.empty()) out += " (" + scenarios::printable(warning.position) + ")";
    out += "\n";
  }
  out += fmt::format("Simulated {} events in {:.2f} s, fidelity {}; {}\n",
                     grouped(static_cast<std::int64_t>(report.events)), report.wall_s,
                     report.fidelity, scenarios::printable(report.fold.certificate));
  return out;
}

}  // namespace

std::string summary(const Report& report, Colour colour) {
  return heading(report, colour) + headline(report) + time_rows(report) + memory_rows(report) +
         fit_text(report, colour) + calibration_text(report) + foot(report, colour);
}

}  // namespace reports
