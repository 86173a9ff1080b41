// import and export: scenarios from and to the files of other tools.
#include <fmt/format.h>

#include <algorithm>

#include "apps/commands.hpp"
#include "apps/console.hpp"
#include "apps/simulation.hpp"
#include "formats/format.hpp"
#include "reports/file.hpp"
#include "scenarios/reader.hpp"
#include "scenarios/source.hpp"

namespace apps {
namespace {

const formats::FormatEntry& entry_of(const std::string& name) {
  const auto table = formats::format_table();
  return *std::find_if(table.begin(), table.end(), [&](const auto& f) { return f.name == name; });
}

void say(const std::string& file, const std::vector<formats::Note>& notes) {
  for (const formats::Note& note : notes) {
    const std::string line = note.line > 0 ? fmt::format("{}:", note.line) : "";
    complain(fmt::format("note: {}:{} {}", file, line, note.text));
  }
}

}  // namespace

int execute(const ImportOptions& options) {
  const formats::FormatEntry& format = entry_of(options.tool);
  const formats::Imported imported = format.read(
      {options.file, scenarios::read_regular_file(options.file), options.cluster, options.gpus});
  say(options.file, imported.notes);
  // What is handed out can be read: else it is said now what is wrong with it.
  scenarios::read_scenario_text(imported.scenario, options.file + " (as a scenario)");
  if (options.out.empty()) {
    print(imported.scenario);
  } else {
    check_outputs({{"--out", options.out}}, {options.file});
    reports::write_file(options.out, imported.scenario);
  }
  return kOk;
}

int execute(const ExportOptions& options) {
  const formats::FormatEntry& format = entry_of(options.tool);
  if (format.many_files && options.out.empty()) {
    throw UsageError(
        fmt::format("{} writes several files: --out says how their names begin", options.tool));
  }
  scenarios::ReadOptions how;
  how.set = options.set;
  const scenarios::Scenario scenario = scenarios::read_scenario(options.scenario, how);
  const auto file = [&](const std::string& suffix, std::string content) {
    if (options.out.empty()) return print(content);
    check_outputs({{"--out", options.out + suffix}}, scenario.files);
    reports::write_file(options.out + suffix, content);
  };
  say(options.scenario, format.write(scenario, file));
  return kOk;
}

}  // namespace apps
