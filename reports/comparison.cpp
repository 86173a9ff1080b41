#include "reports/comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "reports/breakdown.hpp"
#include "reports/comparison_reasons.hpp"
#include "reports/json.hpp"
#include "reports/table.hpp"
#include "reports/text.hpp"
#include "scenarios/utf8.hpp"

namespace reports {
namespace {

using nlohmann::ordered_json;
using scenarios::Report;

struct Cause {
  std::string_view key;
  std::string_view label;
  sim::Time change;
};

// The parts that changed, largest change first; equal ones in the order of the breakdown.
std::vector<Cause> causes(const Report& base, const Report& other) {
  std::vector<Cause> out;
  for (const BreakdownRow& row : kBreakdownRows) {
    const sim::Time change = other.breakdown.*row.part - base.breakdown.*row.part;
    if (change != sim::Time::zero()) out.push_back({row.key, row.label, change});
  }
  const auto size = [](const Cause& cause) {
    return cause.change < sim::Time::zero() ? sim::Time::zero() - cause.change : cause.change;
  };
  std::stable_sort(out.begin(), out.end(),
                   [&](const Cause& a, const Cause& b) { return size(a) > size(b); });
  return out;
}

sim::Bytes driver_memory(const Report& report) {
  return report.stages.empty() ? sim::Bytes{} : report.stages[report.worst_stage].driver;
}

double speed_up(const Report& base, const Report& other) {
  return base.tokens_per_s > 0.0 ? other.tokens_per_s / base.tokens_per_s : 0.0;
}

std::string row_name(const Report& report, std::size_t index, std::size_t baseline) {
  return report.scenario.name + (index == baseline ? " (baseline)" : "");
}

std::string because(std::string_view part, const Report& base, const Report& other) {
  const std::string reason = difference_reason(part, base, other);
  return reason.empty() ? "" : "because " + reason;
}

// By how much it fits, or does not.
std::string fit_text(const Report& report) {
  const sim::Bytes device = report.scenario.device.usable_memory;
  const sim::Bytes driver = driver_memory(report);
  return report.fits ? fmt::format("yes, {} to spare", gib_text(device - driver))
                     : fmt::format("no, {} too much", gib_text(driver - device));
}

// Parts of the step that communication takes, and of the fullest rank's memory.
std::string details(std::span<const Report> reports, std::size_t baseline) {
  std::vector<Column> columns{{"Exposed communication", Align::left}};
  std::vector<Column> memory_columns{{"Memory", Align::left}};
  for (const BreakdownRow& row : kBreakdownRows) {
    if (row.key.starts_with("exposed_")) columns.push_back({std::string(row.label)});
  }
  for (std::size_t c = 0; c < sim::kMemoryCategories; ++c) {
    memory_columns.push_back({sim::kMemoryCategoryNames[c]});
  }
  Table exposed(std::move(columns));
  Table memory(std::move(memory_columns));
  for (std::size_t i = 0; i < reports.size(); ++i) {
    std::vector<std::string> cells{row_name(reports[i], i, baseline)};
    std::vector<std::string> amounts = cells;
    for (const BreakdownRow& row : kBreakdownRows) {
      if (row.key.starts_with("exposed_")) {
        cells.push_back(time_text(reports[i].breakdown.*row.part));
      }
    }
    for (std::size_t c = 0; c < sim::kMemoryCategories; ++c) {
      const auto& stages = reports[i].stages;
      amounts.push_back(
          gib_text(stages.empty() ? sim::Bytes{} : stages[reports[i].worst_stage].categories[c]));
    }
    exposed.row(std::move(cells));
    memory.row(std::move(amounts));
  }
  return "\n" + exposed.text() + "\n" + memory.text();
}

std::string difference_text(const Report& base, const Report& other) {
  std::string out = fmt::format("  {}: step time {}\n", scenarios::printable(other.scenario.name),
                                signed_time_text(other.step_time - base.step_time));
  Table table({{"", Align::left}, {""}, {""}, {"", Align::left}});
  const double whole = exact_seconds(base.step_time);
  for (const Cause& cause : causes(base, other)) {
    const double share = whole > 0.0 ? exact_seconds(cause.change) / whole : 0.0;
    table.row({std::string(cause.label), signed_time_text(cause.change),
               fmt::format("{:+.1f} %", share * 100.0), because(cause.key, base, other)});
  }
  return out + table.text(4);
}

ordered_json difference_json(const Report& base, const Report& other) {
  ordered_json parts = ordered_json::object();
  ordered_json reasons = ordered_json::object();
  for (const Cause& cause : causes(base, other)) {
    const std::string reason = difference_reason(cause.key, base, other);
    if (!reason.empty()) reasons[cause.key] = reason;
  }
  for (const BreakdownRow& row : kBreakdownRows) {
    parts[row.key] = exact_seconds(other.breakdown.*row.part - base.breakdown.*row.part);
  }
  return {{"name", other.scenario.name},
          {"step_time_s", exact_seconds(other.step_time - base.step_time)},
          {"throughput_ratio", speed_up(base, other)},
          {"driver_gib", (driver_memory(other) - driver_memory(base)).gib()},
          {"breakdown_s", std::move(parts)},
          {"because", std::move(reasons)}};
}

}  // namespace

std::string comparison(std::span<const Report> reports, std::size_t baseline) {
  const Report& base = reports[baseline];
  Table table({{"", Align::left},
               {"step time"},
               {"tokens/s/GPU"},
               {"speed"},
               {"MFU"},
               {"bubble"},
               {"memory"},
               {"fits", Align::left}});
  for (std::size_t i = 0; i < reports.size(); ++i) {
    const Report& report = reports[i];
    const auto gpus = static_cast<double>(report.scenario.cluster.gpus);
    table.row({row_name(report, i, baseline), time_text(report.step_time),
               fmt::format("{:.1f}", report.tokens_per_s / gpus),
               fmt::format("{:.3f}x", speed_up(base, report)), percent_text(report.mfu),
               percent_text(report.bubble_fraction), gib_text(driver_memory(report)),
               fit_text(report)});
  }
  std::string out = table.text() + details(reports, baseline);
  if (reports.size() < 2) return out;
  out += "\nWhere the difference to the baseline comes from\n";
  for (std::size_t i = 0; i < reports.size(); ++i) {
    if (i != baseline) out += difference_text(base, reports[i]);
  }
  return out;
}

ordered_json comparison_json(std::span<const Report> reports, std::size_t baseline) {
  ordered_json results = ordered_json::array();
  ordered_json differences = ordered_json::array();
  for (const Report& report : reports) {
    results.push_back(to_json(report));
    differences.push_back(difference_json(reports[baseline], report));
  }
  return {{"schema_version", 1},
          {"results", std::move(results)},
          {"baseline", baseline},
          {"differences", std::move(differences)}};
}

}  // namespace reports
