#include <algorithm>
#include <catch2/catch.hpp>

#include "strategies/schedule.hpp"

using namespace strategies;

namespace {

ScheduleShape shape(std::int64_t stages, std::int64_t chunks, std::int64_t micro_batches,
                    std::int64_t group = 0) {
  return {stages, chunks, micro_batches, group};
}

}  // namespace

TEST_CASE("every schedule passes the checker in every shape it accepts") {
  for (const ScheduleGenerator& generator : schedules()) {
    for (std::int64_t stages : {1, 2, 3, 4, 8}) {
      for (std::int64_t chunks : {1, 2, 3, 5}) {
        for (std::int64_t micro_batches : {1, 2, 3, 4, 7, 8, 16}) {
          for (std::int64_t group : {0, 1, 3, 4, 16}) {
            const ScheduleShape s = shape(stages, chunks, micro_batches, group);
            if (!generator.problem(s).empty()) continue;
            INFO(generator.name << " pp " << stages << " vpp " << chunks << " m " << micro_batches
                                << " group " << group);
            CHECK(check_schedule(generator.generate(s)) == "");
          }
        }
      }
    }
  }
}

TEST_CASE("schedules that ask for many micro-batches pass the checker, too") {
  for (const ScheduleGenerator& generator : schedules()) {
    for (std::int64_t stages : {2, 4, 6, 10, 16}) {
      for (std::int64_t chunks : {1, 2}) {
        for (std::int64_t micro_batches : {2 * stages, 2 * stages + 1, 3 * stages + 2}) {
          const ScheduleShape s = shape(stages, chunks, micro_batches);
          if (!generator.problem(s).empty()) continue;
          INFO(generator.name << " pp " << stages << " vpp " << chunks << " m " << micro_batches);
          const PipelineSchedule schedule = generator.generate(s);
          CHECK(check_schedule(schedule) == "");
          const bool folds = generator.name == "memory-bounded" && chunks == 2;
          CHECK(schedule.placement == (folds ? Placement::v_shape : generator.placement));
        }
      }
    }
  }
}

TEST_CASE("backwards are split where the table says so, and only there") {
  for (const ScheduleGenerator& generator : schedules()) {
    for (std::int64_t chunks : {1, 2}) {
      const ScheduleShape s = shape(4, chunks, 8);
      if (!generator.problem(s).empty()) continue;
      bool split = false;
      for (const auto& stage : generator.generate(s).stages) {
        for (const PassSlot& slot : stage) split |= slot.kind == PassKind::backward_weight;
      }
      CHECK(split == generator.splits_backward);
    }
  }
}

TEST_CASE("1F1B holds min(m, pp - stage) micro-batches (arXiv 2104.04473)") {
  for (std::int64_t m : {2, 4, 32}) {
    const PipelineSchedule schedule = one_forward_one_backward(shape(8, 1, m));
    for (std::int64_t stage = 0; stage < 8; ++stage) {
      CHECK(peak_in_flight(schedule, stage) == std::min<std::int64_t>(m, 8 - stage));
    }
  }
}

TEST_CASE("GPipe holds every micro-batch") {
  CHECK(peak_in_flight(gpipe(shape(4, 2, 6)), 0) == 12);
}

TEST_CASE("interleaved 1F1B warms up as Megatron-Core does") {
  // Stage 0 of pp 4, vpp 2: 2 (4 - 0 - 1) + (2 - 1) 4 = 10 forwards, then 1F1B: 11 in flight.
  const PipelineSchedule schedule = interleaved(shape(4, 2, 16));
  CHECK(peak_in_flight(schedule, 0) == 11);
  CHECK(peak_in_flight(schedule, 3) == 5);
  CHECK(schedule.stages[0][4] == PassSlot{PassKind::forward, 1, 0});
}

TEST_CASE("the checker finds what is wrong with a schedule") {
  PipelineSchedule schedule = one_forward_one_backward(shape(2, 1, 2));
  SECTION("a pass is missing") {
    schedule.stages[1].pop_back();
    CHECK_THAT(check_schedule(schedule), Catch::Contains("lacks a pass"));
  }
  SECTION("a pass stands twice") {
    schedule.stages[0].push_back(schedule.stages[0].front());
    CHECK_THAT(check_schedule(schedule), Catch::Contains("twice"));
  }
  SECTION("a backward comes before its forward") {
    std::swap(schedule.stages[1][0], schedule.stages[1][1]);
    CHECK_THAT(check_schedule(schedule), Catch::Contains("waits for ever"));
  }
  SECTION("a pass is on a chunk that is not there") {
    schedule.stages[1][0].chunk = 1;
    CHECK_THAT(check_schedule(schedule), Catch::Contains("does not exist"));
  }
  SECTION("a forward runs beside its own backward") {
    REQUIRE(schedule.stages[1][1].kind == PassKind::backward);
    schedule.stages[1][0].with_next = true;
    CHECK_THAT(check_schedule(schedule), Catch::Contains("no backward of another chunk"));
  }
  SECTION("stages wait for each other") {
    // Stage 0 wants micro-batch 1 back before it has sent it.
    schedule.stages[0] = {{PassKind::forward, 0, 0},
                          {PassKind::backward, 0, 1},
                          {PassKind::forward, 0, 1},
                          {PassKind::backward, 0, 0}};
    CHECK_THAT(check_schedule(schedule), Catch::Contains("stage 0 waits for ever"));
  }
}

TEST_CASE("the checker keeps the two directions of a pipeline apart") {
  PipelineSchedule schedule = dualpipe(shape(4, 1, 8));
  REQUIRE(schedule.stages[0][0] == PassSlot{PassKind::forward, 0, 0});
  schedule.stages[0][0].micro_batch = 4;
  CHECK_THAT(check_schedule(schedule), Catch::Contains("goes the other way"));
}

TEST_CASE("a pair of passes starts when the inputs of both are there") {
  // Both stages put the forward of the micro-batch going their way beside the other one's backward,
  // which waits for exactly that forward: one after the other it works, side by side it cannot.
  PipelineSchedule schedule{shape(2, 1, 2), Placement::bidirectional, {}};
  const auto stage = [](std::int32_t own) {
    const std::int32_t other = 1 - own;
    return std::vector<PassSlot>{{PassKind::forward, own, own},
                                 {PassKind::forward, other, other},
                                 {PassKind::backward, other, other},
                                 {PassKind::backward, own, own}};
  };
  schedule.stages = {stage(0), stage(1)};
  CHECK(check_schedule(schedule) == "");
  schedule.stages[0][1].with_next = schedule.stages[1][1].with_next = true;
  CHECK_THAT(check_schedule(schedule), Catch::Contains("no backward of another chunk"));
  schedule.stages = {{{PassKind::forward, 0, 0},
                      {PassKind::forward, 1, 1},
                      {PassKind::backward, 0, 0},
                      {PassKind::backward, 1, 1}},
                     {{PassKind::forward, 1, 1},
                      {PassKind::forward, 0, 0},
                      {PassKind::backward, 1, 1},
                      {PassKind::backward, 0, 0}}};
  CHECK_THAT(check_schedule(schedule), Catch::Contains("waits for ever"));
}

TEST_CASE("pieces lie on stages as the placement says") {
  PipelineSchedule schedule{shape(4, 2, 1), Placement::linear, {}};
  CHECK(schedule.piece_of(1, 1) == 5);
  CHECK(schedule.place_of(5) == std::pair<std::int64_t, std::int64_t>{1, 1});
  schedule.placement = Placement::v_shape;
  CHECK(schedule.piece_of(0, 1) == 7);
  CHECK(schedule.piece_of(3, 1) == 4);
  CHECK(schedule.place_of(7) == std::pair<std::int64_t, std::int64_t>{0, 1});

  schedule = PipelineSchedule{shape(4, 1, 2), Placement::bidirectional, {}};
  CHECK(schedule.chunks_of_stage() == 2);
  CHECK(schedule.pieces() == 4);
  for (std::int64_t stage = 0; stage < 4; ++stage) {
    CHECK(schedule.piece_of(stage, 0) == stage);
    CHECK(schedule.piece_of(stage, 1) == 3 - stage);
    for (std::int64_t copy : {0, 1}) {
      const auto place = schedule.place_of(schedule.piece_of(stage, copy), copy);
      CHECK(place == std::pair<std::int64_t, std::int64_t>{stage, copy});
    }
  }
}

TEST_CASE("passes in pairs: the checker agrees, with one more forward before the first backward") {
  for (std::int64_t stages : {1, 2, 4}) {
    for (std::int64_t chunks : {1, 2}) {
      const ScheduleShape s = shape(stages, chunks, 8);
      const PipelineSchedule plain = chunks == 1 ? one_forward_one_backward(s) : interleaved(s);
      const PipelineSchedule paired = in_pairs(plain);
      INFO("pp " << stages << " vpp " << chunks);
      CHECK(check_schedule(paired) == "");
      for (std::int64_t stage = 0; stage < stages; ++stage) {
        const auto& before = plain.stages[static_cast<std::size_t>(stage)];
        const auto& after = paired.stages[static_cast<std::size_t>(stage)];
        REQUIRE(before.size() == after.size());
        const auto backward = [](const PassSlot& slot) { return slot.kind == PassKind::backward; };
        const auto warm_up = std::find_if(before.begin(), before.end(), backward) - before.begin();
        const auto pairs = std::count_if(after.begin(), after.end(),
                                         [](const PassSlot& slot) { return slot.with_next; });
        // All forwards after the warm-up run beside a backward.
        CHECK(pairs == chunks * 8 - warm_up);
        CHECK(std::find_if(after.begin(), after.end(), backward) - after.begin() ==
              (pairs > 0 ? warm_up + 1 : warm_up));
      }
    }
  }
}
