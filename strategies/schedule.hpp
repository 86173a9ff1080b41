// Pipeline schedules as data: for each stage, the passes it runs, in order. Generators make them,
// one checker guards them, one executor (strategies/step.cpp) runs them all.
//
// A model is cut into stages * chunks pieces. `chunk` is the index among the pieces of one stage;
// where a piece sits in the model is the schedule's placement: piece_of(stage, chunk).
// Formulas of bubble and memory, and their sources: docs/schedules.md.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
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
  // A forward that runs side by side with the next slot, a whole backward of another chunk or
  // micro-batch: each computes while the other communicates (DualPipe). Both start and end
  // together.
  bool with_next = false;
  bool operator==(const PassSlot&) const = default;
};

struct ScheduleShape {
  std::int64_t stages = 1;
  std::int64_t chunks = 1;  // per stage (vpp)
  std::int64_t micro_batches = 1;
  std::int64_t micro_batch_group = 0;  // interleaved: run per chunk in a row; 0 = stages
  std::int64_t max_in_flight = 0;      // memory-bounded: micro-batches a stage holds; 0 = stages
  auto operator<=>(const ScheduleShape&) const = default;
};

// How pieces lie on stages: `linear` puts piece c * stages + s on (stage s, chunk c); `v_shape`
// folds back, so that the first and the last piece share stage 0 (two chunks). `bidirectional` has
// every piece twice: chunk 0 of stage s is piece s, chunk 1 is piece stages - 1 - s, and a
// micro-batch stays in one chunk: the first half of them in chunk 0, the second in chunk 1.
enum class Placement : std::uint8_t { linear, v_shape, bidirectional };

struct PipelineSchedule {
  ScheduleShape shape;
  Placement placement = Placement::linear;
  std::vector<std::vector<PassSlot>> stages;

  std::int64_t pieces() const { return shape.stages * shape.chunks; }
  // Chunks that a stage holds: two where every piece is there twice.
  std::int64_t chunks_of_stage() const {
    return placement == Placement::bidirectional ? 2 : shape.chunks;
  }
  std::int64_t piece_of(std::int64_t stage, std::int64_t chunk) const;
  // Inverse: (stage, chunk) of a piece. `copy` = chunk it is in, where every piece is there twice.
  std::pair<std::int64_t, std::int64_t> place_of(std::int64_t piece, std::int64_t copy = 0) const;
};

struct ScheduleGenerator {
  std::string_view name;
  std::string_view summary;
  bool splits_backward;
  // Empty when the shape is possible, else what is wrong and what would be right.
  std::string (*problem)(const ScheduleShape&);
  PipelineSchedule (*generate)(const ScheduleShape&);
  Placement placement = Placement::linear;
};

struct Plan;
ScheduleShape schedule_shape(const Plan& plan, std::int64_t micro_batches);

std::span<const ScheduleGenerator> schedules();
const ScheduleGenerator* find_schedule(std::string_view name);

// Whether the ranks of stage s and stages - 1 - s hold copies of the same pieces.
bool holds_two_copies(std::string_view schedule_name);

struct SlotPlace {
  std::size_t stage = 0, slot = 0;
};
// Every (chunk, micro-batch) has one forward and one whole backward, each stage's order respects
// the model's data flow, and running the stages in order never waits for ever. Returns the first
// violation in words, or an empty string. `at` gets the pass it is about.
std::string check_schedule(const PipelineSchedule& schedule, SlotPlace* at = nullptr);

// The same passes with every forward that follows a backward beside it: Megatron-Core's combined
// 1F1B, which warms up with one more forward and hides exchanges of tokens behind the other pass.
PipelineSchedule in_pairs(PipelineSchedule schedule);

// The most (chunk, micro-batch) pairs whose activations a stage holds at once.
std::int64_t peak_in_flight(const PipelineSchedule& schedule, std::int64_t stage);

// Generators, one file each.
PipelineSchedule gpipe(const ScheduleShape& shape);
PipelineSchedule one_forward_one_backward(const ScheduleShape& shape);
PipelineSchedule interleaved(const ScheduleShape& shape);
PipelineSchedule zb_h1(const ScheduleShape& shape);
PipelineSchedule zb_h2(const ScheduleShape& shape);
PipelineSchedule zb_v(const ScheduleShape& shape);
PipelineSchedule memory_bounded(const ScheduleShape& shape);
PipelineSchedule dualpipe(const ScheduleShape& shape);
PipelineSchedule dualpipev(const ScheduleShape& shape);

class ScheduleError : public std::runtime_error {
 public:
  ScheduleError(std::size_t line, std::size_t column, const std::string& problem);
  std::size_t line = 0;    // from 1
  std::size_t column = 0;  // from 1, in bytes
  std::string problem;     // without the place
};

// One pass of a schedule written by hand, and where it stands.
struct ScheduleCell {
  std::string text;
  std::size_t line = 0, column = 0;  // from 1
};

// A schedule written by hand, in the words of PyTorch's compute-only CSV: a row per rank, a cell
// per pass, e.g. `0F0`: piece of the model, F(orward) | B(ackward) | I(nput part) | W(eight part),
// micro-batch; `(2F1;0B0)OVERLAP_F_B` runs two passes side by side. The placement is read off the
// rows. Throws ScheduleError at the first cell that is wrong; what check_schedule says of the
// result is the caller's to ask.
PipelineSchedule schedule_of_cells(const std::vector<std::vector<ScheduleCell>>& rows);
// The cells of a text: rows are lines, cells stand between commas, empty ones are bubbles.
std::vector<std::vector<ScheduleCell>> schedule_cells(std::string_view csv);
PipelineSchedule parse_schedule_csv(std::string_view text);  // their schedule
// The cell of a pass of schedule_of_cells(rows).
const ScheduleCell& cell_of(const std::vector<std::vector<ScheduleCell>>& rows, SlotPlace at);

}  // namespace strategies
