#include "studies/validate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <exception>
#include <stdexcept>
#include <thread>

namespace studies {

namespace {

double number(const Record& record, const std::string& key) {
  const std::string text = record.setting(key);
  double value = 0.0;
  const char* end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, value);
  if (status != std::errc() || stop != end || text.empty()) {
    throw std::invalid_argument(fmt::format("{}: {} is not a number", record.id, key));
  }
  return value;
}

double tokens_per_step(const Record& record) {
  return number(record, "training.global_batch") * number(record, "training.seq_len");
}

double sc21_hardware_flops(const Record& record) {
  const double s = number(record, "training.seq_len");
  const double l = number(record, "model.layers");
  const double h = number(record, "model.hidden");
  const double v = number(record, "model.vocab");
  return 96.0 * number(record, "training.global_batch") * s * l * h * h *
         (1.0 + s / (6.0 * h) + v / (16.0 * l * h));
}

// FLOPs per GPU of a step by the convention that the source's FLOP/s follow.
double flops_per_gpu(const Record& record, const Prediction& prediction) {
  if (record.measured.flops_convention == "sc21-hardware") {
    return sc21_hardware_flops(record) / number(record, "cluster.gpus");
  }
  const double tflops = record.measured.flops_convention == "model-full"
                            ? prediction.model_tflops_per_gpu_full
                            : prediction.model_tflops_per_gpu;
  return tflops * 1e12 * prediction.step_time_s;
}

void compare_memory(const Record& record, const Prediction& prediction, Outcome& outcome) {
  const Measured& measured = record.measured;
  const Prediction::Memory& memory =
      measured.memory_stage == MemoryStage::first ? prediction.first : prediction.worst;
  const auto add = [&](const char* kind, double predicted, double value) {
    if (value > 0.0) outcome.memory.push_back({kind, predicted, value});
  };
  add("allocated", memory.allocated, measured.allocated_gib);
  add("reserved", memory.reserved, measured.reserved_gib);
  add("driver", memory.driver, measured.driver_gib);
}

Outcome run(const Record& record, const Predictor& predictor) {
  Outcome outcome;
  if (record.use == Use::no) {
    outcome.reason = record.note;
    return outcome;
  }
  try {
    const Prediction prediction = predictor(scenario_text(record), "record " + record.id);
    outcome.predicted_step_s = prediction.step_time_s;
    outcome.predicted_fits = prediction.fits;
    outcome.measured_step_s = measured_step_time(record, prediction);
    compare_memory(record, prediction, outcome);
    outcome.state = State::predicted;
  } catch (const std::exception& refusal) {
    outcome.state = State::refused;
    outcome.reason = refusal.what();
  }
  return outcome;
}

// Fixed strides: neighbours in a file cost much the same, so every thread gets its share of each.
void run_all(Validation& validation, unsigned threads, const Predictor& predictor) {
  const std::size_t stride = std::max(1U, threads);
  const auto work = [&](std::size_t first) {
    for (std::size_t i = first; i < validation.records.size(); i += stride) {
      validation.outcomes[i] = run(validation.records[i], predictor);
    }
  };
  std::vector<std::jthread> pool;
  for (std::size_t first = 1; first < stride; ++first) pool.emplace_back(work, first);
  work(0);
}

}  // namespace

double throughput(const Record& record, double step_s) { return tokens_per_step(record) / step_s; }

double measured_step_time(const Record& record, const Prediction& prediction) {
  const Measured& measured = record.measured;
  if (measured.step_time_s > 0.0) return measured.step_time_s;
  if (measured.tokens_per_s_per_gpu > 0.0) {
    return tokens_per_step(record) /
           (measured.tokens_per_s_per_gpu * number(record, "cluster.gpus"));
  }
  if (measured.tflops_per_gpu > 0.0) {
    return flops_per_gpu(record, prediction) / (measured.tflops_per_gpu * 1e12);
  }
  return 0.0;
}

Validation validate(RecordSet set, const ValidateOptions& options, const Predictor& predictor) {
  Validation validation;
  const auto wanted = [&](const std::string& source) {
    return options.sources.empty() || std::find(options.sources.begin(), options.sources.end(),
                                                source) != options.sources.end();
  };
  for (const std::string& name : options.sources) {
    if (std::none_of(set.sources.begin(), set.sources.end(),
                     [&](const Source& source) { return source.name == name; })) {
      throw std::invalid_argument(fmt::format("no source '{}' among the records", name));
    }
  }
  for (Source& source : set.sources) {
    if (wanted(source.name)) validation.sources.push_back(std::move(source));
  }
  for (Record& record : set.records) {
    if (wanted(record.source)) validation.records.push_back(std::move(record));
  }
  validation.targets = std::move(set.targets);
  validation.outcomes.resize(validation.records.size());
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  run_all(validation, options.threads == 0 ? cores : options.threads, predictor);
  return validation;
}

}  // namespace studies
