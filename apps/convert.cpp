// import and export: scenarios from and to the files of other tools.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "apps/cli.hpp"
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

// Said before the format assumes anything, and at the option: text that is made of them has no
// place in any file.
void check_where(const ImportOptions& options) {
  if (options.cluster.empty()) return;
  std::vector<std::string> known;
  for (const auto& entry : scenarios::list_catalogue("clusters")) known.push_back(entry.name);
  if (std::find(known.begin(), known.end(), options.cluster) == known.end()) {
    throw UsageError("--cluster: " + unknown("cluster", options.cluster, known));
  }
  if (options.gpus == 0) return;
  scenarios::ReadOptions how;
  how.set = {fmt::format("cluster.gpus={}", options.gpus)};
  try {
    scenarios::read_cluster(options.cluster, how);
  } catch (const scenarios::ScenarioError& error) {
    const scenarios::Diagnostic& first = error.diagnostics().front();
    throw UsageError(fmt::format("--gpus {}: {}{}{}", options.gpus, first.message,
                                 first.hint.empty() ? "" : "; ", first.hint));
  }
}

// A file among others: those that are written go again where one cannot be.
class Files {
 public:
  explicit Files(std::string out) : out_(std::move(out)) {}

  void write(const std::string& suffix, const std::string& content) {
    if (out_.empty()) return print(content);
    reports::write_file(out_ + suffix, content);
    written_.push_back(out_ + suffix);
  }
  void take_back() const {
    std::error_code ignored;
    for (const std::string& file : written_) std::filesystem::remove(file, ignored);
  }

 private:
  std::string out_;
  std::vector<std::string> written_;
};

void check_names(const ExportOptions& options, const std::vector<std::string>& suffixes,
                 const scenarios::Scenario& scenario) {
  if (options.out.empty()) return;
  if (options.out.ends_with('/')) {
    throw UsageError(
        fmt::format("--out {} names a folder; files in it want a name, too", options.out));
  }
  std::vector<OutputFile> outputs;
  for (const std::string& suffix : suffixes) {
    const std::string file = options.out + suffix;
    outputs.push_back({"--out", file});
    if (std::filesystem::is_directory(file)) {
      throw UsageError(fmt::format("--out {} is a folder: name another file", file));
    }
  }
  check_outputs(outputs, scenario.files);
}

}  // namespace

int execute(const ImportOptions& options) {
  const formats::FormatEntry& format = entry_of(options.tool);
  check_where(options);
  check_outputs({{"--out", options.out}}, {options.file});
  const formats::Imported imported = format.read(
      {options.file, scenarios::read_regular_file(options.file), options.cluster, options.gpus});
  say(options.file, imported.notes);
  // What is handed out can be read: else it is said now what is wrong with it.
  scenarios::read_scenario_text(imported.scenario, options.file + " (as a scenario)");
  Files(options.out).write("", imported.scenario);
  return kOk;
}

int execute(const ExportOptions& options) {
  const formats::FormatEntry& format = entry_of(options.tool);
  if (format.files != nullptr && options.out.empty()) {
    throw UsageError(
        fmt::format("{} writes several files: --out says how their names begin", options.tool));
  }
  scenarios::ReadOptions how;
  how.set = options.set;
  const scenarios::Scenario scenario = scenarios::read_scenario(options.scenario, how);
  check_names(options,
              format.files != nullptr ? format.files(scenario) : std::vector<std::string>{""},
              scenario);
  Files files(options.out);
  try {
    say(options.scenario,
        format.write(scenario, [&](const std::string& suffix, const std::string& content) {
          files.write(suffix, content);
        }));
  } catch (...) {
    files.take_back();
    throw;
  }
  return kOk;
}

}  // namespace apps
