// The command line, described to CLI11. Few files include CLI11: it is slow to compile.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>

#include "apps/cli.hpp"
#include "apps/cli_calibrate.hpp"
#include "apps/options.hpp"
#include "scenarios/source.hpp"

namespace apps {

std::string unknown(std::string_view what, const std::string& word,
                    const std::vector<std::string>& known) {
  const std::string near = scenarios::nearest(word, known);
  return fmt::format("there is no {} '{}'{}; known: {}", what, word,
                     near.empty() ? "" : ", did you mean '" + near + "'?", fmt::join(known, ", "));
}

namespace {

constexpr const char* kExamples = R"(Examples:
  stepcast run scenarios/llama3-405b-4d.yaml
  stepcast run scenarios/llama3-405b-4d.yaml --set strategy.tp=4 --set cluster.gpus=8192 --json
  stepcast run scenarios/llama3-405b-4d.yaml --what-if strategy.zero=3
  stepcast search scenarios/search-llama3-70b.yaml
  stepcast sweep scenarios/llama3-405b-4d.yaml --over cluster.gpus=2048,4096,8192 --scaling strong
  stepcast list models

Exit codes: 0 ok, 1 internal fault, 2 usage, 3 invalid input, 4 infeasible, 5 I/O or missing
set-up, 6 resource limit, 7 partial result, 130/143 interrupted.)";

void add_format(CLI::App& app, Format& format, bool with_csv) {
  auto* json = app.add_flag_callback(
      "--json", [&format] { format = Format::json; }, "One JSON object on stdout");
  if (!with_csv) return;
  app.add_flag_callback(
         "--csv", [&format] { format = Format::csv; }, "Comma-separated values")
      ->excludes(json);
}

void add_common(CLI::App& app, Common& common) {
  add_format(app, common.format, true);
  add_set(app, common.set);
  add_allow_plugins(app, common.allow_plugins);
  app.add_option("--fidelity", common.predict.fidelity,
                 "Network model: closed forms, shared flows, or every step of a collective")
      ->check(CLI::IsMember({"auto", "analytic", "flow", "step"}))
      ->capture_default_str();
  app.add_option_function<std::string>(
         "--fold", [&common](const std::string& text) { common.predict.fold = text == "auto"; },
         "Simulate one of each class of equal ranks (auto), or every rank (off)")
      ->check(CLI::IsMember({"auto", "off"}));
  app.add_option("--steps", common.predict.steps, "Training steps to simulate")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1000}))
      ->capture_default_str();
  app.add_flag("--verify", common.predict.verify,
               "Assert every law of the engine while simulating");
  app.add_flag("--require-fit", common.require_fit,
               "Exit code 4 when the step does not fit in device memory");
  add_max_memory(app, common.max_memory);
  app.add_option("--time-limit", common.time_limit_s, "Seconds this program may run")
      ->check(&positive_problem);
}

void add_run(CLI::App& root, RunOptions& options) {
  CLI::App* app = root.add_subcommand("run", "Simulate one training step");
  app->add_option("scenario", options.scenario, "Scenario file")->required();
  add_common(*app, options.common);
  app->add_option("--trace", options.trace,
                  "Write a trace for Perfetto, chrome://tracing or HTA; .gz is compressed")
      ->check(&file_problem);
  app->add_option("--trace-ranks", options.common.predict.trace_ranks,
                  "Ranks in the trace and the report (default: one of each pipeline stage)")
      ->delimiter(',')
      ->check(CLI::NonNegativeNumber);
  app->add_option("--report", options.report, "Write an HTML report, one self-contained file")
      ->check(&file_problem);
  app->add_flag("--sensitivity", options.sensitivity,
                "Show how the step time answers to each hardware figure")
      ->excludes(app->get_option("--csv"));
  app->add_option("--what-if", options.what_if,
                  "Also simulate with dotted.key=value (repeatable) and show the difference")
      ->allow_extra_args(false)
      ->check(&setting_problem);
}

void add_compare(CLI::App& root, CompareOptions& options) {
  CLI::App* app = root.add_subcommand(
      "compare", "Several scenarios, or the strategies of one, against a baseline");
  app->add_option("scenarios", options.scenarios, "Scenario files")->required();
  add_common(*app, options.common);
  app->add_option("--baseline", options.baseline, "Which of them is the baseline, from 0")
      ->capture_default_str();
}

void add_list(CLI::App& root, ListOptions& options) {
  CLI::App* app = root.add_subcommand("list", "What is built in");
  app->add_option("what", options.what,
                  "models, devices, clusters, profiles, collectives, strategies, schedules or "
                  "formats")
      ->required()
      ->check([](const std::string& word) {
        const std::vector<std::string> lists{"models",      "devices",    "clusters",  "profiles",
                                             "collectives", "strategies", "schedules", "formats"};
        const bool known = std::find(lists.begin(), lists.end(), word) != lists.end();
        return known ? std::string{} : unknown("list", word, lists);
      });
  add_format(*app, options.format, false);
}

void add_topology(CLI::App& root, TopologyOptions& options) {
  CLI::App* app = root.add_subcommand("topology", "The interconnect: links, routes, bisection");
  app->add_option("cluster", options.cluster, "Cluster name or scenario file")->required();
  add_set(*app, options.set);
  add_format(*app, options.format, false);
  app->add_flag("--dot", options.dot, "Graphviz source of the graph");
  auto* from = app->add_option("--from", options.from, "Show the route from this device")
                   ->check(CLI::NonNegativeNumber);
  auto* to = app->add_option("--to", options.to, "… to this device")->check(CLI::NonNegativeNumber);
  from->needs(to);
  to->needs(from);
}

void add_explain(CLI::App& root, ExplainOptions& options) {
  CLI::App* app = root.add_subcommand("explain", "The arithmetic behind the numbers");
  app->add_option("what", options.what, "Model name or scenario file")->required();
  add_set(*app, options.set);
  add_allow_plugins(*app, options.allow_plugins);
  add_format(*app, options.format, false);
  app->add_option("--seq-len", options.seq_len,
                  "Sequence length, for a model (default 8192, or its learned positions)")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 30));
  app->add_option("--tokens", options.tokens, "Training tokens, for training days and cost")
      ->check(&positive_problem);
}

// CLI11 only says that a sub-command is missing when one is misspelt.
void check_subcommand(const CLI::App& root, const char* word) {
  std::vector<std::string> names;
  for (const CLI::App* app : root.get_subcommands({})) names.push_back(app->get_name());
  if (word[0] == '-' || std::find(names.begin(), names.end(), word) != names.end()) return;
  throw UsageError(unknown("command", word, names));
}

struct AllOptions {
  RunOptions run;
  CompareOptions compare;
  ListOptions list;
  TopologyOptions topology;
  ExplainOptions explain;
  ValidateOptions validate;
  SearchOptions search;
  CalibrateOptions calibrate;
  SweepOptions sweep;
  ImportOptions import;
  ExportOptions export_;
};

void describe(CLI::App& root, AllOptions& options) {
  root.name("stepcast");
  root.footer(kExamples);
  root.require_subcommand(1);
  root.set_version_flag("--version", "stepcast " STEPCAST_VERSION);
  add_run(root, options.run);
  add_compare(root, options.compare);
  add_list(root, options.list);
  add_topology(root, options.topology);
  add_explain(root, options.explain);
  add_validate(root, options.validate);
  add_search(root, options.search);
  add_calibrate(root, options.calibrate);
  add_sweep(root, options.sweep);
  add_import(root, options.import);
  add_export(root, options.export_);
  root.add_subcommand("schema", "JSON Schema (draft-07) of the scenario file");
}

Invocation chosen(const CLI::App& root, AllOptions& options) {
  const std::string name = root.get_subcommands().front()->get_name();
  if (name == "run") return std::move(options.run);
  if (name == "compare") return std::move(options.compare);
  if (name == "list") return std::move(options.list);
  if (name == "topology") return std::move(options.topology);
  if (name == "explain") return std::move(options.explain);
  if (name == "validate") return std::move(options.validate);
  if (name == "search") return std::move(options.search);
  if (name == "calibrate") return std::move(options.calibrate);
  if (name == "sweep") return std::move(options.sweep);
  if (name == "import") return std::move(options.import);
  if (name == "export") return std::move(options.export_);
  return SchemaOptions{};
}

}  // namespace

Invocation parse(int argc, const char* const* argv) {
  CLI::App root{
      "Stepcast predicts how fast a large model trains on a cluster, and in how much memory."};
  AllOptions options;
  describe(root, options);
  if (argc < 2) throw UsageError("a command is needed\n\n" + root.help());
  check_subcommand(root, argv[1]);
  try {
    root.parse(argc, argv);
  } catch (const CLI::Success& answer) {  // help and version
    root.exit(answer);
    return Answered{};
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what());
  }
  return chosen(root, options);
}

bool wants_json(const Invocation& invocation) {
  return std::visit(
      [](const auto& options) {
        if constexpr (requires { options.common.format; }) {
          return options.common.format == Format::json;
        } else if constexpr (requires { options.json; }) {
          return options.json;
        } else if constexpr (requires { options.format; }) {
          return options.format == Format::json;
        } else {
          return false;
        }
      },
      invocation);
}

}  // namespace apps
