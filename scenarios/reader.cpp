#include "scenarios/reader.hpp"

#include <fmt/core.h>

#include <filesystem>
#include <utility>

#include "scenarios/calibration.hpp"
#include "scenarios/catalogue.hpp"
#include "scenarios/keys.hpp"
#include "scenarios/layers.hpp"
#include "scenarios/plugins.hpp"
#include "scenarios/resolve.hpp"
#include "scenarios/schedule_file.hpp"

namespace scenarios {
namespace {

namespace fs = std::filesystem;

// Everything one reading needs; nothing outlives it but the result.
class Reading {
 public:
  explicit Reading(ReadOptions options)
      : options_(std::move(options)), layers_(options_, sources_, diagnostics_) {}

  Layers& layers() { return layers_; }
  Diagnostics& diagnostics() { return diagnostics_; }

  Scenario scenario(Node tree, const std::string& file) {
    layers_.apply_settings(tree);
    return settled(std::move(tree), file);
  }

  std::vector<Scenario> of_each_gpu_count(Node tree, const std::string& file) {
    layers_.apply_settings(tree);
    std::vector<Scenario> scenarios{settled(tree, file)};
    if (scenarios.front().search.gpus.empty()) return scenarios;
    scenarios.clear();
    for (const Node& count : Node(*tree.find("search")->find("gpus")).items) {
      Node sized = tree;
      overlay(sized, nested("cluster.gpus", count, count.at));
      scenarios.push_back(settled(std::move(sized), file));
    }
    return scenarios;
  }

  Scenario cluster(Node tree, const std::string& file) {
    layers_.apply_settings(tree);
    return prepared(tree, file).cluster_only();
  }

  models::Model model(Node tree) { return prepared(tree, "").model_only(); }

  // A mapping with one name in it, for what is asked for by name alone.
  Node named(const std::string& key, const std::string& name) {
    const std::uint32_t source = sources_.add({name, "", "command line", SourceKind::command_line});
    Node value = scalar_node(name, {source, 0, 0});
    return nested(key, std::move(value), {source, 0, 0});
  }

 private:
  Scenario settled(Node tree, const std::string& file) {
    Resolver resolver = prepared(tree, file);
    Scenario result = resolver.scenario(options_.check_strategy ? PlanChecks::on : PlanChecks::off);
    if (!calibration_.empty()) {
      CalibrationFile measured =
          read_calibration(calibration_, calibration_at_, sources_, diagnostics_);
      diagnostics_.throw_if_any();
      result.calibration = std::move(measured.collectives);
      result.calibration_origin = std::move(measured.origin);
    }
    result.plugins = load_plugins(plugins_, options_.allow_plugins, diagnostics_);
    result.files = sources_.files();
    for (const auto& plugin : result.plugins) result.files.push_back(plugin->path());
    return result;
  }

  Resolver prepared(Node& tree, const std::string& file) {
    for (const char* key : {"$schema", "extends", "strategies"}) tree.erase(key);
    layers_.expand(tree);
    Draft draft;
    ReadContext context{diagnostics_, &draft.searched};
    read_mapping(tree, "", scenario_keys(), context, draft, &draft.given);
    diagnostics_.throw_if_any();
    if (draft.name.empty()) draft.name = fs::path(file).stem().string();
    locate_calibration(draft);
    if (!draft.strategy.schedule_file.empty()) {
      const Position at = draft.given.at("strategy.schedule_file");
      draft.strategy.schedule = read_schedule_file(
          beside(sources_, at, draft.strategy.schedule_file), at, sources_, diagnostics_);
    }
    plugins_ = locate_plugins(draft, sources_, diagnostics_);
    return Resolver(std::move(draft), tree, sources_, diagnostics_);
  }

  void locate_calibration(const Draft& draft) {
    if (draft.cluster.calibration.empty()) return;
    calibration_at_ = draft.given.at("cluster.calibration");
    calibration_ = beside(sources_, calibration_at_, draft.cluster.calibration);
  }

  Sources sources_;
  Diagnostics diagnostics_{sources_};
  ReadOptions options_;
  Layers layers_;
  std::string calibration_;
  Position calibration_at_;
  std::vector<NamedPlugin> plugins_;
};

}  // namespace

Scenario read_scenario(const std::string& file, const ReadOptions& options) {
  Reading reading(options);
  Node tree = reading.layers().file(file);
  return reading.scenario(std::move(tree), file);
}

Scenario read_scenario_text(const std::string& text, const std::string& file,
                            const ReadOptions& options) {
  Reading reading(options);
  Node tree = reading.layers().text(text, file);
  return reading.scenario(std::move(tree), file);
}

std::vector<Scenario> read_search_scenarios(const std::string& file, const ReadOptions& options) {
  Reading reading(options);
  Node tree = reading.layers().file(file);
  return reading.of_each_gpu_count(std::move(tree), file);
}

std::vector<Scenario> read_search_scenarios_text(const std::string& text, const std::string& file,
                                                 const ReadOptions& options) {
  Reading reading(options);
  Node tree = reading.layers().text(text, file);
  return reading.of_each_gpu_count(std::move(tree), file);
}

std::vector<Scenario> read_scenarios(const std::string& file, const ReadOptions& options) {
  Reading reading(options);
  Node tree = reading.layers().file(file);
  const std::vector<Node> entries = reading.layers().take_strategies(tree);
  reading.diagnostics().throw_if_any();
  std::vector<Scenario> scenarios;
  if (entries.empty()) scenarios.push_back(reading.scenario(std::move(tree), file));
  for (const Node& entry : entries) {
    Node merged = tree;
    overlay(merged, entry);
    scenarios.push_back(reading.scenario(std::move(merged), file));
  }
  return scenarios;
}

ClusterAndDevice read_cluster(const std::string& name_or_file, const ReadOptions& options) {
  Reading reading(options);
  const bool file = name_or_file.ends_with(".yaml") || name_or_file.ends_with(".yml") ||
                    name_or_file.find('/') != std::string::npos;
  Node tree =
      file ? reading.layers().file(name_or_file) : reading.named("cluster.preset", name_or_file);
  Scenario scenario = reading.cluster(std::move(tree), name_or_file);
  return {std::move(scenario.cluster), std::move(scenario.device)};
}

models::Model read_model(const std::string& catalogue_name, const ReadOptions& options) {
  Reading reading(options);
  return reading.model(reading.named("model.base", catalogue_name));
}

}  // namespace scenarios
