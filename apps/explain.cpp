#include "reports/explain.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "apps/commands.hpp"
#include "apps/console.hpp"
#include "apps/simulation.hpp"
#include "apps/watch.hpp"
#include "reports/json.hpp"

namespace apps {
namespace {

constexpr std::int64_t kDefaultSeqLen = 8192;

bool is_model(const std::string& name) {
  const auto models = scenarios::list_catalogue("models");
  return std::any_of(models.begin(), models.end(),
                     [&](const auto& entry) { return entry.name == name; });
}

reports::Explanation explain(const ExplainOptions& options, Watch& watch) {
  if (is_model(options.what)) {
    if (options.tokens > 0.0 || !options.set.empty()) {
      throw UsageError("--tokens and --set need a scenario: a model alone has no cluster");
    }
    return reports::explain_model(scenarios::read_model(options.what),
                                  options.seq_len > 0 ? options.seq_len : kDefaultSeqLen);
  }
  if (options.seq_len > 0)
    throw UsageError("--seq-len is for a model; use --set training.seq_len=…");
  const scenarios::Scenario scenario = read(options.what, options.set);
  watch.activity("simulating");
  return reports::explain_report(scenarios::predict(scenario), options.tokens);
}

}  // namespace

int execute(const ExplainOptions& options) {
  Watch watch({0.0, {}, false});
  limit_memory(0);
  const reports::Explanation explanation = explain(options, watch);
  watch.stop();
  print(options.format == Format::json ? reports::dump(reports::explanation_json(explanation))
                                       : reports::explanation_text(explanation));
  return kOk;
}

}  // namespace apps
