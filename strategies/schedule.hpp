// Pipeline schedules as data: for each stage, the passes it runs, in order. Generators make them,
// one checker guards them, one executor (strategies/step.cpp) runs them all.
//
// A model is cut into stages * chunks pieces. `chunk` is the index among the pieces of one stage;
// where a piece sits in the model is the schedule's placement: piece_of(stage, chunk).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strategies {

enum class PassKind : std::uint8_t {
  forward,
  backward,         // input and weight gradients together
  backward_input,   // only what the previous stage waits for
  backward_weight,  // the rest of a split backward
};

struct PassSlot {
  PassKind kind = PassKind::forward;
  std::int32_t chunk = 0;
  std::int32_t micro_batch = 0;
  bool operator==(const PassSlot&) const = default;
};

struct ScheduleShape {
  std::int64_t stages = 1;
  std::int64_t chunks = 1;  // per stage (vpp)
  std::int64_t micro_batches = 1;
  std::int64_t micro_batch_group = 0;  // interleaved: run per chunk in a row; 0 = stages
};

// How pieces lie on stages: `linear` puts piece c * stages + s on (stage s, chunk c); `v_shape`
// folds back, so that the first and the last piece share stage 0 (two chunks).
enum class Placement : std::uint8_t { linear, v_shape };

struct PipelineSchedule {
  ScheduleShape shape;
  Placement placement = Placement::linear;
  std::vector<std::vector<PassSlot>> stages;

  std::int64_t piece_of(std::int64_t stage, std::int64_t chunk) const;
  // Inverse: (stage, chunk) of a piece.
  std::pair<std::int64_t, std::int64_t> place_of(std::int64_t piece) const;
};

struct ScheduleGenerator {
  std::string_view name;
  std::string_view summary;
  bool splits_backward;
  // Empty when the shape is possible, else what is wrong and what would be right.
  std::string (*problem)(const ScheduleShape&);
  PipelineSchedule (*generate)(const ScheduleShape&);
};

std::span<const ScheduleGenerator> schedules();
const ScheduleGenerator* find_schedule(std::string_view name);

// Every (chunk, micro-batch) has one forward and one whole backward, each stage's order respects
// the model's data flow, and running the stages in order never waits for ever. Returns the first
// violation in words, or an empty string.
std::string check_schedule(const PipelineSchedule& schedule);

// The most (chunk, micro-batch) pairs whose activations a stage holds at once.
std::int64_t peak_in_flight(const PipelineSchedule& schedule, std::int64_t stage);

// Generators, one file each.
PipelineSchedule gpipe(const ScheduleShape& shape);
PipelineSchedule one_forward_one_backward(const ScheduleShape& shape);
PipelineSchedule interleaved(const ScheduleShape& shape);

}  // namespace strategies
