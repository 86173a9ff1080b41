// Hand-written schedules: read back what was written, and say where one is wrong.
#include <catch2/catch.hpp>

#include <string>

#include "strategies/schedule.hpp"

using namespace strategies;

namespace {

std::string cell(const PipelineSchedule& schedule, std::size_t stage, const PassSlot& slot) {
  constexpr char letters[] = {'F', 'B', 'I', 'W'};
  return std::to_string(schedule.piece_of(static_cast<std::int64_t>(stage), slot.chunk)) +
         letters[static_cast<std::size_t>(slot.kind)] + std::to_string(slot.micro_batch);
}

std::string csv(const PipelineSchedule& schedule) {
  std::string out;
  for (std::size_t s = 0; s < schedule.stages.size(); ++s) {
    const auto& slots = schedule.stages[s];
    for (std::size_t i = 0; i < slots.size(); ++i) {
      if (i > 0) out += ',';
      if (slots[i].with_next) {
        out += "(" + cell(schedule, s, slots[i]) + ";";
        ++i;
        out += cell(schedule, s, slots[i]) + ")OVERLAP_F_B";
      } else {
        out += cell(schedule, s, slots[i]);
      }
    }
    out += '\n';
  }
  return out;
}

ScheduleError error_of(std::string_view text) {
  try {
    parse_schedule_csv(text);
  } catch (const ScheduleError& error) {
    return error;
  }
  FAIL("no error in: " << text);
  return {0, 0, ""};
}

}  // namespace

TEST_CASE("a schedule written as CSV reads back as it was") {
  for (const ScheduleGenerator& generator : schedules()) {
    if (generator.placement == Placement::bidirectional) continue;  // PyTorch has no such rows
    for (std::int64_t chunks : {1, 2, 3}) {
      const ScheduleShape shape{4, chunks, 8, 0};
      if (!generator.problem(shape).empty()) continue;
      INFO(generator.name << " vpp " << chunks);
      const PipelineSchedule written = generator.generate(shape);
      const PipelineSchedule read = parse_schedule_csv(csv(written));
      CHECK(read.placement == written.placement);
      CHECK(read.shape.chunks == chunks);
      CHECK(read.shape.micro_batches == 8);
      CHECK(read.stages == written.stages);
      CHECK(check_schedule(read) == "");
    }
  }
}

TEST_CASE("empty cells, blanks, quotes and line ends of other systems are no passes") {
  const PipelineSchedule schedule =
      parse_schedule_csv("0F0, \"0F1\",,0I0,0W0, 0B1\r\n   ,1F0,1B0,1F1,1B1,\r\n\r\n");
  CHECK(schedule.shape.stages == 2);
  CHECK(schedule.stages[0].size() == 5);
  CHECK(schedule.stages[0][2] == PassSlot{PassKind::backward_input, 0, 0});
  CHECK(check_schedule(schedule) == "");
}

TEST_CASE("a wrong cell is named by line and column") {
  const ScheduleError letter = error_of("0F0,0B0\n1F0,1X0\n");
  CHECK(letter.line == 2);
  CHECK(letter.column == 5);
  CHECK_THAT(letter.what(), Catch::Contains("line 2, column 5") && Catch::Contains("1X0"));
  CHECK(error_of("0F0,0SEND_F0\n").column == 5);
  CHECK(error_of("0F0, F1\n").column == 6);
  CHECK(error_of("0F0,0F\n").column == 5);
  CHECK(error_of("0F99999999999999999999\n").column == 1);
  CHECK(error_of("0F0,(0F1;0B0)TOGETHER\n").column == 5);
  CHECK(error_of("0F0,(0F1 0B0\n").column == 5);
  CHECK(error_of("\n \n").line == 1);
}

TEST_CASE("a piece on the wrong row is named") {
  const ScheduleError astray = error_of("0F0,0B0\n1F0,1B0,0F1\n");
  CHECK(astray.line == 2);
  CHECK(astray.column == 9);
  CHECK_THAT(error_of("0F0,2F0\n1F0\n").what(), Catch::Contains("3 pieces do not divide over 2"));
}

TEST_CASE("what is wrong with the order of a hand-written schedule, the checker says") {
  CHECK_THAT(check_schedule(parse_schedule_csv("0F0,0B0\n1B0,1F0\n")),
             Catch::Contains("waits for ever"));
  CHECK_THAT(check_schedule(parse_schedule_csv("0F0,0B0\n1F0\n")), Catch::Contains("lacks a pass"));
}
