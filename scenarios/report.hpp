// What a simulated step came to. Printed by reports/, in the units of the names.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/scenario.hpp"
#include "sim/memory.hpp"
#include "sim/units.hpp"
#include "strategies/lower.hpp"

namespace scenarios {

// Where the time of the rank that ends last went; sums to the step time exactly.
struct Breakdown {
  sim::Time compute, recompute, optimizer;
  sim::Time exposed_tp, exposed_cp, exposed_ep, exposed_pp, exposed_dp;
  sim::Time bubble, other;
};

struct StageMemory {
  std::int64_t stage = 0;
  sim::Bytes allocated;                // torch max_memory_allocated
  sim::Bytes reserved;                 // torch max_memory_reserved
  sim::Bytes driver;                   // nvidia-smi
  sim::MemoryByCategory categories{};  // at the peak
  sim::Bytes steady;                   // between steps
  std::string peak_at;                 // where in the step the peak is, in words
  std::int64_t rank = 0;               // a rank of that stage
};

// One slice of a chosen rank's timeline, for traces and reports.
struct Slice {
  std::int64_t rank = 0;
  std::uint8_t stream = 0;  // strategies::Stream
  std::string name;
  std::string category;  // forward, backward, wgrad, recompute, optimizer, or a dimension
  sim::Time start, finish;
  std::int32_t micro_batch = -1, chunk = -1, layer = -1;
  sim::Bytes bytes;
  double flops = 0.0;
};

struct MemorySample {
  std::int64_t rank = 0;
  sim::Time at;
  sim::MemoryByCategory amounts{};
};

struct FoldSummary {
  std::int64_t ranks = 0;
  std::int64_t ranks_simulated = 0;
  bool folded = false;
  std::string certificate;  // "16,384 ranks -> 16 classes, exact", or why not folded
};

struct Report {
  Scenario scenario;
  sim::Time step_time;
  double tokens_per_s = 0.0;
  double model_tflops_per_gpu = 0.0;       // causal convention
  double model_tflops_per_gpu_full = 0.0;  // attention counted without the causal half
  double mfu = 0.0, mfu_bf16 = 0.0, hfu = 0.0;
  double bubble_fraction = 0.0;
  Breakdown breakdown;
  bool fits = true;
  sim::Bytes device_memory;         // what the driver has to give
  std::vector<StageMemory> stages;  // one per pipeline stage
  std::size_t worst_stage = 0;
  std::vector<std::string> advice;  // where it does not fit: nearest changes that make it fit
  FoldSummary fold;
  // With a calibration: what had its prices from where, and the step time without it.
  std::vector<strategies::PricedGroup> prices;
  std::optional<sim::Time> uncalibrated_step_time;
  std::uint64_t events = 0;
  double wall_s = 0.0;
  std::string fidelity;
  std::vector<Slice> slices;  // only for ranks that were asked for
  std::vector<MemorySample> memory_samples;
};

class PredictionCache;

struct PredictOptions {
  std::string fidelity = "auto";  // auto | analytic | flow | step
  bool fold = true;
  bool verify = false;  // assert all laws, and folded = unfolded where feasible
  std::vector<std::int64_t> trace_ranks;
  std::int64_t steps = 1;
  bool without_calibration = false;  // also simulate without it, for Report
  // Shared by predictions of one model on one cluster (prediction_cache.hpp); null = an own one.
  PredictionCache* cache = nullptr;
};

// Scenario -> Report: builds the machine, emits the step, simulates, summarises. Pure but for
// wall_s.
Report predict(const Scenario& scenario, const PredictOptions& options = {});

}  // namespace scenarios
