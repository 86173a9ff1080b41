// What makes a scenario impossible although each of its values is legal, in sentences; and the
// parts of a plan that follow from others. For the reader, and for search and sweep, which change
// plans without reading files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/scenario.hpp"

namespace scenarios {

struct Problem {
  std::vector<std::string> paths;  // the keys that disagree, the one to change first in front
  std::string message;
  std::string hint;
  bool divides = false;  // true: something does not come out even
};

// Of the model with the training settings and the plan (world size, divisibility, schedule,
// limits).
std::vector<Problem> model_problems(const Scenario& scenario);
std::vector<Problem> plan_problems(const Scenario& scenario);
// Parts of it: the pipeline schedule (micro_batches: 0 = unknown), and settings of one strategy
// that another one has to allow.
std::vector<Problem> schedule_problems(const Scenario& scenario, std::int64_t micro_batches);
std::vector<Problem> strategy_problems(const Scenario& scenario);
std::vector<Problem> idle_problems(const Scenario& scenario);   // part of plan_problems(), too
std::vector<Problem> order_problems(const Scenario& scenario);  // part of plan_problems()
// Whether the other settings leave this one without a say: refused where the user wrote it.
bool rests(const Scenario& scenario, std::string_view key);
std::vector<Problem> cluster_problems(const Scenario& scenario);

// Layers that pipeline stages share out: a transformer's layers, an operator list's blocks.
std::int64_t layer_count(const models::Model& model);

// `layers` over `chunks` as evenly as possible, first and last chunk lightest; what is left over
// goes to chunks near the end, where fewer activations are alive. With `ends_as_layers`, embedding
// and head count as a layer of the first and the last chunk.
enum class Ends : std::uint8_t { free, count_as_layers };
std::vector<std::int64_t> spread_layers(std::int64_t layers, std::int64_t chunks, Ends ends);

// Layers of each stage where a code base deals blocks by their parameters, layers and the output
// projection alike: a stage takes blocks until their sum passes its share (nanotron's build_model).
std::vector<std::int64_t> spread_by_parameters(const models::Transformer& model,
                                               std::int64_t stages);

// Parts of the states that offload names, up to 1 each: above 1 it is a number of layers.
void settle_offload(strategies::Plan& plan, std::int64_t layers);

// Tasks a simulation of the folded step would need, roughly; above kMostTasks it is refused before
// anything is allocated.
inline constexpr double kMostTasks = 1e9;
double estimated_tasks(const Scenario& scenario);

// Micro-batches per pipeline per step. REQUIRES: plan_problems() found nothing.
std::int64_t micro_batches(const Scenario& scenario);

}  // namespace scenarios
