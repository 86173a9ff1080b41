// Runs the shipped records through the simulator and compares: step time (or what stands for it),
// memory of the kind the source printed, whether a run fits.
//
// A prediction sees the configuration of a record only (records.hpp). Records are spread over
// threads in fixed strides and results are stored by index: the outcome is the same on any number.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "studies/records.hpp"
#include "studies/validate_statistics.hpp"

namespace studies {

// What the simulator says of a scenario. Memory in GiB, at rank 0's stage and at the worst.
struct Prediction {
  struct Memory {
    double allocated = 0.0, reserved = 0.0, driver = 0.0;
  };
  double step_time_s = 0.0;
  double tokens_per_s_per_gpu = 0.0;
  double model_tflops_per_gpu = 0.0;       // causal attention
  double model_tflops_per_gpu_full = 0.0;  // full attention
  Memory first, worst;
  bool fits = true;
};

// From the text of a scenario file; `name` is for messages. Throws std::exception with a reason
// where the scenario is refused.
using Predictor = std::function<Prediction(const std::string& text, const std::string& name)>;

// Reads the scenario and simulates one step.
Prediction predict_scenario(const std::string& text, const std::string& name);

struct MemoryComparison {
  std::string kind;  // allocated | reserved | driver
  double predicted_gib = 0.0;
  double measured_gib = 0.0;
  double error() const { return predicted_gib / measured_gib - 1.0; }
};

enum class State { predicted, refused, not_run };

struct Outcome {
  State state = State::not_run;
  std::string reason;  // of `refused` and `not_run`
  double predicted_step_s = 0.0;
  double measured_step_s = 0.0;  // 0 = the source prints no time
  bool predicted_fits = true;
  std::vector<MemoryComparison> memory;

  bool has_time() const { return state == State::predicted && measured_step_s > 0.0; }
  double error() const { return predicted_step_s / measured_step_s - 1.0; }
};

// The step time a record was measured at. Where only FLOP/s are printed, the FLOPs of a step are
// counted by the source's own convention: sc21-hardware is 96 B s l h^2 (1 + s/6h + V/16lh) of
// arXiv 2104.04473, the two model conventions are this program's count.
double measured_step_time(const Record& record, const Prediction& prediction);

// Tokens per second of a record at a step time. REQUIRES: step_s > 0.
double throughput(const Record& record, double step_s);

// The entry of targets.csv that asks about memory, over all families.
inline constexpr const char* kMemoryTarget = "memory";

struct ValidateOptions {
  std::vector<std::string> sources;  // empty = all
  unsigned threads = 0;              // 0 = all cores
};

struct Validation {
  std::vector<Source> sources;
  std::vector<Target> targets;
  std::vector<Record> records;    // those asked for
  std::vector<Outcome> outcomes;  // by index of `records`
};

// Throws std::invalid_argument for a source that does not exist.
Validation validate(RecordSet set, const ValidateOptions& options,
                    const Predictor& predictor = predict_scenario);

struct Worst {
  std::string id;
  double error = 0.0;
};

// Rankings inside groups of the same model and GPU count, of at least three configurations.
struct Ranking {
  std::size_t groups = 0;
  double correlation = 0.0;  // Spearman's, of throughput: median over groups
  double regret = 0.0;       // median
  double mean_correlation = 0.0;
  double mean_regret = 0.0;
  double worst_regret = 0.0;  // of any group
};

struct Summary {
  std::string name;
  std::size_t records = 0;  // with use = yes
  std::size_t refused = 0;
  ErrorStatistics time;
  ErrorStatistics memory;
  Ranking ranking;
  std::size_t ran = 0;                // runs that did fit …
  std::size_t ran_fit = 0;            // … and are predicted to
  std::size_t failed = 0;             // runs that failed …
  std::size_t failed_do_not_fit = 0;  // … and are predicted not to fit
  std::vector<Worst> worst;           // five largest |error| of the step time
};

struct Summaries {
  std::vector<Summary> targets;  // use = yes, by family of targets.csv (without memory)
  std::vector<Summary> sources;  // use = yes
  // Mixture-of-experts records by model, in alphabetical order; a model has a second summary where
  // parts of some of its records are assumed.
  std::vector<Summary> expert_models;
  Summary assumed;  // use = assumed, all sources
  Summary total;    // use = yes, all sources
};

Summaries summarise(const Validation& validation);

}  // namespace studies
