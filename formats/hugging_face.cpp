// A Hugging Face config.json as a scenario: the model spelt out, the rest to be filled in.
#include <fmt/format.h>

#include <algorithm>

#include "formats/format.hpp"
#include "formats/import_draft.hpp"
#include "scenarios/reader.hpp"

namespace formats {
namespace {

// The section says all that the file says.
std::string without_file(std::string model) {
  const std::size_t at = model.find("  hf: ");
  return at == std::string::npos ? model : model.erase(at, model.find('\n', at) + 1 - at);
}

}  // namespace

Imported import_hugging_face(const ImportRequest& request) {
  const std::string cluster = request.cluster.empty() ? "dgx-h100" : request.cluster;
  const std::int64_t gpus = request.gpus > 0 ? request.gpus : 8;
  const std::string name = file_name(request.file);
  // Read as a scenario that names the file, whose model is then written out.
  scenarios::ReadOptions options;
  options.check_strategy = false;
  const scenarios::Scenario read = scenarios::read_scenario_text(
      fmt::format("model: {{hf: {}}}\ncluster: {{preset: {}, gpus: {}}}\n"
                  "training: {{seq_len: 128, global_batch: {}}}\n",
                  yaml_quoted(name), cluster, gpus, gpus),
      request.file, options);
  const auto* transformer = read.model.transformer();
  const std::int64_t positions = transformer == nullptr ? 0 : transformer->max_positions;
  const std::int64_t seq_len = positions > 0 ? std::min<std::int64_t>(positions, 4096) : 4096;
  Imported out;
  out.scenario = fmt::format(
      "name: {}\n{}cluster:\n  preset: {}\n  gpus: {}\ntraining:\n  seq_len: {}\n"
      "  global_batch: {}\n  micro_batch: 1\nstrategy:\n  zero: 3\nimplementation: fsdp\n",
      yaml_quoted(name), without_file(yaml_section(scenarios::to_yaml(read), "model")), cluster,
      gpus, seq_len, gpus);
  out.notes.push_back({0, "training, strategy and implementation are not in the file: set them"});
  if (request.cluster.empty() || request.gpus == 0) {
    out.notes.push_back(
        {0, fmt::format("cluster {} of {} GPUs is assumed; --cluster and --gpus say otherwise",
                        cluster, gpus)});
  }
  return out;
}

}  // namespace formats
