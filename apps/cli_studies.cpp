// The command line of what simulates many times: validate, search, sweep.
#include <CLI/CLI.hpp>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include "apps/cli.hpp"

namespace apps {
std::string positive_problem(const std::string& text) {
  constexpr double most = 1e18;  // beyond, whole numbers made from it overflow
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const bool good = end != text.c_str() && *end == '\0' && value > 0.0 && value <= most;
  return good ? std::string{} : "expected a number above 0 and up to 1e18, got '" + text + "'";
}

std::string setting_problem(const std::string& text) {
  return text.find('=') == std::string::npos || text.front() == '='
             ? "expected dotted.key=value, got '" + text + "'"
             : std::string{};
}

std::string file_problem(const std::string& text) {
  return text.empty() ? "the name of a file is empty" : std::string{};
}

namespace {

std::string percent_problem(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const bool good = end != text.c_str() && *end == '\0' && value >= 0.0 && value <= 1e6;
  return good ? std::string{} : "expected percent from 0 to 1,000,000, got '" + text + "'";
}

// "1.5GiB" as bytes; with kB as 1000 and KiB as 1024. Empty = done, in place.
std::string as_bytes(std::string& text) {
  constexpr std::string_view letters = "kmgtp";
  char* end = nullptr;
  double value = std::strtod(text.c_str(), &end);
  std::string unit;
  for (const char* c = end; *c != '\0'; ++c) {
    if (*c != ' ') unit += static_cast<char>(std::tolower(static_cast<unsigned char>(*c)));
  }
  bool good = end != text.c_str();
  if (const std::size_t power = letters.find(unit.empty() ? 'b' : unit.front());
      power != letters.npos) {
    const std::string rest = unit.substr(1);
    good = good && (rest.empty() || rest == "b" || rest == "i" || rest == "ib");
    value *= std::pow(rest.starts_with('i') ? 1024.0 : 1000.0, static_cast<double>(power + 1));
  } else {
    good = good && (unit.empty() || unit == "b");
  }
  if (!good || !(value >= 1.0) || value > 1e18) {
    return "expected bytes above 0, such as 8GiB, got '" + text + "'";
  }
  text = std::to_string(static_cast<std::uint64_t>(value));
  return {};
}

}  // namespace

void add_max_memory(CLI::App& app, std::uint64_t& max_memory) {
  app.add_option("--max-memory", max_memory,
                 "Memory this program may use, e.g. 8GiB (default: 3/4 of what is free)")
      ->transform(CLI::Validator(&as_bytes, "SIZE"));
}

void add_allow_plugins(CLI::App& app, bool& allow) {
  app.add_flag("--allow-plugins", allow,
               "Let the scenario load the shared objects of its `plugins:`");
}

void add_set(CLI::App& app, std::vector<std::string>& set) {
  app.add_option("--set", set, "Override a key of the scenario: dotted.key=value (repeatable)")
      ->allow_extra_args(false)
      ->check(&setting_problem);
}

void add_validate(CLI::App& root, ValidateOptions& options) {
  CLI::App* app = root.add_subcommand(
      "validate", "Predict every published measurement shipped here and compare");
  app->add_option("--source", options.sources, "Only this source (repeatable)")
      ->allow_extra_args(false);
  app->add_flag("--json", options.json, "One JSON object on stdout");
  app->add_option("--csv", options.csv, "A line a record, into a file (- = stdout)");
  app->add_option("--plot", options.plot, "Scatter plot of step times, an SVG file");
  app->add_option("--threads", options.threads, "Threads (default: all cores)")
      ->check(CLI::Range(1U, 1024U));
  app->add_option("--records", options.records, "Folder of records (default: the shipped one)");
  app->add_option(
      "--check", options.check,
      "Exit code 1 when a table of this document (docs/accuracy.md) shows smaller errors");
  app->add_option("--update-docs", options.update_docs, "Replace the tables of this document");
}

void add_search(CLI::App& root, SearchOptions& options) {
  CLI::App* app = root.add_subcommand("search", "Find the best strategies, exactly");
  app->add_option("scenario", options.scenario, "Scenario file; its search: section constrains")
      ->required();
  add_set(*app, options.set);
  add_allow_plugins(*app, options.allow_plugins);
  app->add_flag("--json", options.json, "One JSON object on stdout");
  app->add_option("--top", options.top, "How many of the best to show")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1000}))
      ->capture_default_str();
  app->add_option("--objective", options.objective, "What is best")
      ->check(CLI::IsMember({"step_time", "tokens_per_s", "memory", "cost"}))
      ->capture_default_str();
  app->add_option("--front", options.front,
                  "Pareto front of time and memory: exact, of what was evaluated, none, or (auto) "
                  "exact in small spaces")
      ->check(CLI::IsMember({"auto", "exact", "evaluated", "none"}))
      ->capture_default_str();
  app->add_option("--front-within", options.front_within,
                  "An exact front, of what is at most so many percent slower than the best")
      ->check(&percent_problem);
  app->add_option("--pareto", options.pareto,
                  "Axes of the front beside step_time and memory: gpus, cost, or both with a comma "
                  "(default: gpus where search.gpus lists several)")
      ->delimiter(',')
      ->check(CLI::IsMember({"step_time", "memory", "gpus", "cost"}));
  app->add_option("--journal", options.journal, "Keep every evaluation in this file")
      ->check(&file_problem);
  auto* resume = app->add_flag("--resume", options.resume, "Go on from the journal");
  app->add_flag("--restart", options.restart, "Overwrite the journal")->excludes(resume);
  app->add_option("--threads", options.threads, "Threads (default: all cores)")
      ->check(CLI::Range(1U, 1024U));
  app->add_flag(
      "--explain", options.explain,
      "Also go through the usual rules for choosing a strategy, with this case's numbers");
  app->add_option("--best", options.best, "Write the winner as a scenario file")
      ->check(&file_problem);
  app->add_option("--tokens", options.tokens,
                  "Tokens of the whole training, for days and cost (default: 20 a parameter)")
      ->check(&positive_problem);
  add_max_memory(*app, options.max_memory);
  app->add_option("--time-limit", options.time_limit_s, "Seconds this program may run")
      ->check(&positive_problem);
}

void add_sweep(CLI::App& root, SweepOptions& options) {
  CLI::App* app = root.add_subcommand("sweep", "A grid over any keys, one simulation a point");
  app->add_option("scenario", options.scenario, "Scenario file")->required();
  app->add_option("--over", options.over,
                  "Key and values: dotted.key=a,b,c (repeatable; the last varies fastest)")
      ->required()
      ->allow_extra_args(false);
  add_set(*app, options.set);
  add_allow_plugins(*app, options.allow_plugins);
  app->add_option("--scaling", options.scaling,
                  "With cluster.gpus swept: the same batch (strong), or one that grows (weak)")
      ->check(CLI::IsMember({"strong", "weak"}));
  auto* json = app->add_flag("--json", options.json, "One JSON object a line and point");
  app->add_flag("--csv", options.csv, "Comma-separated values")->excludes(json);
  app->add_option("--plot", options.plot, "Throughput over the first key, an SVG file")
      ->check(&file_problem);
  app->add_option("--fidelity", options.fidelity, "Network model: auto, analytic, flow or step")
      ->check(CLI::IsMember({"auto", "analytic", "flow", "step"}))
      ->capture_default_str();
  app->add_option("--threads", options.threads, "Threads (default: all cores)")
      ->check(CLI::Range(1U, 1024U));
  add_max_memory(*app, options.max_memory);
  app->add_option("--time-limit", options.time_limit_s, "Seconds this program may run")
      ->check(&positive_problem);
}

}  // namespace apps
