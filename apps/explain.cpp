#include "reports/explain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
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

// What looks like no file is a name misspelt.
bool could_be_file(const std::string& name) {
  std::error_code error;
  return name.ends_with(".yaml") || name.ends_with(".yml") || name.find('/') != std::string::npos ||
         std::filesystem::exists(name, error);
}

// With as many tokens as the model has positions for, where these are learned.
reports::Explanation explain_model(const ExplainOptions& options) {
  const models::Model model = scenarios::read_model(options.what);
  const models::Transformer* shape = model.transformer();
  const bool learned = shape != nullptr && shape->position == models::Position::learned;
  const std::int64_t most = learned ? shape->max_positions : 0;
  if (most > 0 && options.seq_len > most) {
    throw UsageError(fmt::format("--seq-len {}: {} has {} learned positions, give at most these",
                                 options.seq_len, options.what, most));
  }
  if (shape == nullptr && options.seq_len > 0) {
    throw UsageError(fmt::format("--seq-len: {} has no sequences", options.what));
  }
  const std::int64_t usual = most > 0 ? std::min(most, kDefaultSeqLen) : kDefaultSeqLen;
  return reports::explain_model(model, options.seq_len > 0 ? options.seq_len : usual);
}

reports::Explanation explain(const ExplainOptions& options, Watch& watch) {
  if (is_model(options.what)) {
    if (options.tokens > 0.0 || !options.set.empty()) {
      throw UsageError("--tokens and --set need a scenario: a model alone has no cluster");
    }
    return explain_model(options);
  }
  // Says which model is nearest.
  if (!could_be_file(options.what)) scenarios::read_model(options.what);
  if (options.seq_len > 0)
    throw UsageError("--seq-len is for a model; use --set training.seq_len=…");
  const scenarios::Scenario scenario = read(options.what, options.set, {}, options.allow_plugins);
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
