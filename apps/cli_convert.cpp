// The command line of import and export.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "apps/cli.hpp"
#include "formats/format.hpp"

namespace apps {
namespace {

enum class Way : std::uint8_t { in, out };

std::vector<std::string> names(Way way) {
  std::vector<std::string> out;
  for (const formats::FormatEntry& entry : formats::format_table()) {
    if (way == Way::in ? entry.read != nullptr : entry.write != nullptr)
      out.emplace_back(entry.name);
  }
  return out;
}

void add_name(CLI::App& app, std::string& format, Way way) {
  app.add_option("format", format, fmt::format("{}", fmt::join(names(way), ", ")))
      ->required()
      ->check([way](const std::string& word) {
        const std::vector<std::string> known = names(way);
        const bool is_known = std::find(known.begin(), known.end(), word) != known.end();
        return is_known ? std::string{} : unknown("format", word, known);
      });
}

}  // namespace

void add_import(CLI::App& root, ImportOptions& options) {
  CLI::App* app = root.add_subcommand("import", "A scenario from another tool's file");
  add_name(*app, options.tool, Way::in);
  app->add_option("file", options.file, "The file")->required();
  app->add_option("--cluster", options.cluster, "Catalogue name of the cluster it runs on");
  app->add_option("--gpus", options.gpus, "How many GPUs it runs on")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 20));
  app->add_option("--out", options.out, "Write the scenario to this file")->check(&file_problem);
}

void add_export(CLI::App& root, ExportOptions& options) {
  CLI::App* app = root.add_subcommand("export", "A scenario as another tool's file");
  add_name(*app, options.tool, Way::out);
  app->add_option("scenario", options.scenario, "Scenario file")->required();
  add_set(*app, options.set);
  app->add_option("--out", options.out,
                  "Write it to this file; where a format has many, their names begin so")
      ->check(&file_problem);
}

}  // namespace apps
