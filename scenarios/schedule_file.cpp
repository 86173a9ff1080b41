#include "scenarios/schedule_file.hpp"

#include <fmt/core.h>

#include "scenarios/node.hpp"
#include "scenarios/yaml_parser.hpp"

namespace scenarios {
namespace {

constexpr const char* kExample = "write ranks: [[0F0, 0F1, 0B0, 0B1], [1F0, 1B0, 1F1, 1B1]]";

std::vector<std::vector<strategies::ScheduleCell>> yaml_cells(const Node& root,
                                                              std::uint32_t source,
                                                              Diagnostics& diagnostics) {
  const Node* ranks = root.find("ranks");
  if (ranks == nullptr || !ranks->is_sequence()) {
    diagnostics.fatal({source, 1, 1}, "a schedule file needs a list `ranks:`", kExample);
  }
  std::vector<std::vector<strategies::ScheduleCell>> rows;
  for (const Node& rank : ranks->items) {
    if (!rank.is_sequence()) diagnostics.fatal(rank.at, "a rank is a list of passes", kExample);
    rows.emplace_back();
    for (const Node& cell : rank.items) {
      if (!cell.is_scalar()) diagnostics.fatal(cell.at, "a pass is a word such as 0F3", kExample);
      rows.back().push_back({cell.text, static_cast<std::size_t>(cell.at.line),
                             static_cast<std::size_t>(cell.at.column)});
    }
  }
  return rows;
}

}  // namespace

std::shared_ptr<const strategies::PipelineSchedule> read_schedule_file(const std::string& path,
                                                                       Position named_at,
                                                                       Sources& sources,
                                                                       Diagnostics& diagnostics) {
  const bool yaml = path.ends_with(".yaml") || path.ends_with(".yml");
  if (!yaml && !path.ends_with(".csv")) {
    diagnostics.fatal(named_at, fmt::format("'{}' is no schedule file", path),
                      "its name ends in .csv or .yaml");
  }
  const std::uint32_t source = sources.add({path, read_named_file(path, named_at, diagnostics),
                                            "schedule " + path, SourceKind::scenario});
  try {
    const auto cells = yaml ? yaml_cells(parse_document(sources, source), source, diagnostics)
                            : strategies::schedule_cells(sources[source].text);
    auto schedule =
        std::make_shared<strategies::PipelineSchedule>(strategies::schedule_of_cells(cells));
    strategies::SlotPlace at;
    const std::string problem = strategies::check_schedule(*schedule, &at);
    if (!problem.empty()) {
      const strategies::ScheduleCell& cell = strategies::cell_of(cells, at);
      diagnostics.fatal({source, static_cast<int>(cell.line), static_cast<int>(cell.column)},
                        problem, "each pass once, no pass before its data");
    }
    return schedule;
  } catch (const strategies::ScheduleError& error) {
    diagnostics.fatal({source, static_cast<int>(error.line), static_cast<int>(error.column)},
                      error.problem, "docs/schedules.md has the format");
  }
}

}  // namespace scenarios
