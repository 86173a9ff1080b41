// Bubbles and memory of schedules against the published formulas, on a clock of uniform passes.
#include <catch2/catch.hpp>

#include <array>

#include "schedule_clock.hpp"

using namespace strategies;

namespace {

// Forward, input gradient, weight gradient; the input gradient is never the cheapest, as it is in
// no transformer.
constexpr std::array<PassTimes, 5> kTimes{
    PassTimes{1, 1, 1}, {10, 11, 9}, {10, 12, 8}, {4, 5, 3}, {2, 3, 2}};

ClockResult run(const char* name, const ScheduleShape& shape, const PassTimes& times) {
  const ScheduleGenerator* generator = find_schedule(name);
  REQUIRE(generator != nullptr);
  REQUIRE(generator->problem(shape) == "");
  return run_clock(generator->generate(shape), times);
}

std::int64_t most_in_flight(const char* name, const ScheduleShape& shape) {
  const PipelineSchedule schedule = find_schedule(name)->generate(shape);
  std::int64_t most = 0;
  for (std::int64_t s = 0; s < shape.stages; ++s)
    most = std::max(most, peak_in_flight(schedule, s));
  return most;
}

}  // namespace

TEST_CASE("GPipe and 1F1B idle for (p-1)(f+b) (arXiv 2104.04473)") {
  for (const PassTimes& t : kTimes) {
    for (std::int64_t p : {1, 2, 4, 8}) {
      const std::int64_t backward = t.input + t.weight;
      for (const char* name : {"gpipe", "1f1b"}) {
        const ClockResult result = run(name, {p, 1, 2 * p, 0}, t);
        CHECK(result.makespan - result.work == (p - 1) * (t.forward + backward));
      }
    }
  }
}

TEST_CASE("interleaved 1F1B idles for (p-1)/(v m) of its work (arXiv 2104.04473)") {
  for (std::int64_t v : {2, 4}) {
    for (std::int64_t p : {2, 4, 8}) {
      const std::int64_t m = 3 * p;
      const ClockResult result = run("interleaved", {p, v, m, 0}, {1, 1, 1});
      CHECK((result.makespan - result.work) * v * m == (p - 1) * result.work);
    }
  }
}

TEST_CASE("a larger micro-batch group costs memory and no time (arXiv 2407.21783)") {
  const ClockResult classic = run("interleaved", {4, 2, 16, 0}, {1, 1, 1});
  std::int64_t held = most_in_flight("interleaved", {4, 2, 16, 0});
  for (std::int64_t group : {6, 8, 16}) {
    CHECK(run("interleaved", {4, 2, 16, group}, {1, 1, 1}).makespan == classic.makespan);
    CHECK(most_in_flight("interleaved", {4, 2, 16, group}) > held);
    held = most_in_flight("interleaved", {4, 2, 16, group});
  }
}

TEST_CASE("a group smaller than the pipeline idles more and holds less") {
  for (std::int64_t group : {1, 2, 3}) {
    const ClockResult small = run("interleaved", {4, 2, 16, group}, {1, 1, 1});
    CHECK(small.makespan > run("interleaved", {4, 2, 16, 4}, {1, 1, 1}).makespan);
    CHECK(most_in_flight("interleaved", {4, 2, 16, group}) <
          most_in_flight("interleaved", {4, 2, 16, 4}));
  }
}

TEST_CASE("ZB-H1 idles for (p-1)(f+b-w) and holds what 1F1B does (arXiv 2401.10241, table 2)") {
  for (const PassTimes& t : kTimes) {
    for (std::int64_t p : {1, 2, 4, 8}) {
      const ClockResult result = run("zb-h1", {p, 1, 3 * p, 0}, t);
      CHECK(result.worst_stage_bubble == (p - 1) * (t.forward + t.input - t.weight));
      CHECK(most_in_flight("zb-h1", {p, 1, 3 * p, 0}) == p);
    }
  }
}

TEST_CASE("ZB-H2 idles for (p-1)(f+b-2w) and holds 2p-1 (arXiv 2401.10241, table 2)") {
  for (const PassTimes& t : kTimes) {
    for (std::int64_t p : {1, 2, 4, 8}) {
      const ClockResult result = run("zb-h2", {p, 1, 4 * p, 0}, t);
      CHECK(result.worst_stage_bubble == (p - 1) * (t.forward + t.input - 2 * t.weight));
      CHECK(most_in_flight("zb-h2", {p, 1, 4 * p, 0}) == 2 * p - 1);
    }
  }
}

TEST_CASE(
    "ZB-V has no bubble for f = b = w and holds what 1F1B does (arXiv 2401.10241 section 6)") {
  for (std::int64_t p : {2, 4, 8, 16}) {
    const ClockResult result = run("zb-v", {p, 2, 3 * p, 0}, {1, 1, 1});
    CHECK(result.worst_stage_bubble == 0);
    CHECK(most_in_flight("zb-v", {p, 2, 3 * p, 0}) == 2 * p);  // chunks, half a stage each
  }
}

TEST_CASE("DualPipe idles for (p/2-1)(F&B+B-3W) and holds p+1 (arXiv 2412.19437, table 2)") {
  for (std::int64_t p : {2, 4, 8, 16}) {
    // F&B takes f + b + w here, B takes b + w.
    const ClockResult even = run("dualpipe", {p, 1, 3 * p, 0}, {1, 1, 1});
    CHECK(even.makespan - even.work == (p / 2 - 1) * (3 + 2 - 3));
    CHECK(most_in_flight("dualpipe", {p, 1, 3 * p, 0}) == p + 1);
    for (const PassTimes& t : kTimes) {  // uneven passes: never worse
      const ClockResult result = run("dualpipe", {p, 1, 3 * p, 0}, t);
      CHECK(result.makespan - result.work <=
            (p / 2 - 1) * (t.forward + 2 * (t.input + t.weight) - 3 * t.weight));
    }
  }
}

TEST_CASE("DualPipe's stages mirror each other") {
  const PipelineSchedule schedule = dualpipe({8, 1, 20, 0});  // the published example
  for (std::size_t s = 0; s < 4; ++s) {
    const auto& near = schedule.stages[s];
    const auto& far = schedule.stages[7 - s];
    REQUIRE(near.size() == far.size());
    for (std::size_t i = 0; i < near.size(); ++i) {
      CHECK(far[i].chunk == 1 - near[i].chunk);
      CHECK(far[i].kind == near[i].kind);
      CHECK(far[i].micro_batch == (near[i].micro_batch + 10) % 20);
    }
  }
}

TEST_CASE("DualPipeV idles as a DualPipe of twice the stages and holds 2p+1 chunks") {
  for (std::int64_t p : {2, 4, 8}) {
    const ClockResult result = run("dualpipev", {p, 2, 3 * p, 0}, {1, 1, 1});
    CHECK(result.makespan - result.work == (p - 1) * (3 + 2 - 3));
    CHECK(most_in_flight("dualpipev", {p, 2, 3 * p, 0}) == 2 * p + 1);
  }
}

TEST_CASE("no split schedule is slower than 1F1B") {
  for (const PassTimes& t : kTimes) {
    for (std::int64_t m : {8, 9, 16, 40}) {
      const std::int64_t plain = run("1f1b", {4, 1, m, 0}, t).makespan;
      const std::int64_t h1 = run("zb-h1", {4, 1, m, 0}, t).makespan;
      CHECK(h1 < plain);
      CHECK(run("zb-h2", {4, 1, m, 0}, t).makespan <= h1);
    }
  }
}

TEST_CASE("a memory-bounded schedule never holds more than it may, and idles less with more") {
  for (std::int64_t p : {2, 4, 8}) {
    for (std::int64_t chunks : {1, 2}) {
      std::int64_t before = INT64_MAX;
      for (std::int64_t limit = 1; limit <= 2 * p; ++limit) {
        const ScheduleShape shape{p, chunks, 4 * p, 0, limit};
        INFO("pp " << p << " vpp " << chunks << " max_in_flight " << limit);
        const PipelineSchedule schedule = memory_bounded(shape);
        CHECK(check_schedule(schedule) == "");
        for (std::int64_t s = 0; s < p; ++s) CHECK(peak_in_flight(schedule, s) <= limit * chunks);
        const std::int64_t makespan = run_clock(schedule, {1, 1, 1}).makespan;
        CHECK(makespan <= before);
        before = makespan;
      }
    }
  }
}

TEST_CASE("memory-bounded within 1F1B's memory is two passes from ZB-H1, within twice that ZB-H2") {
  for (std::int64_t p : {2, 4, 8}) {
    const std::int64_t m = 4 * p;
    const auto bounded = [&](std::int64_t limit) {
      return run_clock(memory_bounded({p, 1, m, 0, limit}), {1, 1, 1}).makespan;
    };
    CHECK(bounded(p) <= run("zb-h1", {p, 1, m, 0}, {1, 1, 1}).makespan + 2);
    CHECK(bounded(2 * p - 1) <= run("zb-h2", {p, 1, m, 0}, {1, 1, 1}).makespan);
  }
}
