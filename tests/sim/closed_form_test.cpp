// simulate() against formulas on paper, exact to the picosecond.
#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>

#include "print.hpp"
#include "sim/simulate.hpp"
#include "sim/transfer_cost.hpp"

using namespace sim;

namespace {

constexpr Fidelity kBoth[] = {Fidelity::analytic, Fidelity::flow};

using Links = IdVector<LinkId, Link>;

Links equal_links(std::size_t count, double gb_per_s) {
  return Links(count, Link{Bandwidth::gb_per_s(gb_per_s), Time::zero()});
}

// A job under construction, with short ways to say what the tests need.
struct Job {
  TaskGraph graph;

  TaskId compute(std::size_t rank, Time duration, std::vector<TaskId> after = {},
                 HostIssue host = {}) {
    return graph.add_compute(RankId{rank}, duration, after, host);
  }
  TaskId send(std::vector<LinkUse> uses, Bytes bytes, Time latency = {},
              std::vector<TaskId> after = {}, HostIssue host = {}) {
    const TrafficId traffic = graph.add_traffic(uses);
    return graph.add_transfer({{}, traffic, bytes, latency, {}, 0.0}, after, host);
  }
  TaskId slow_down(std::vector<RankId> ranks, Time latency, double share,
                   std::vector<TaskId> after = {}) {
    const TrafficId traffic = graph.add_traffic({});
    return graph.add_transfer({ranks, traffic, Bytes{}, latency, {}, share}, after, {});
  }
  Timeline run(const Links& links, Fidelity fidelity = Fidelity::flow,
               bool interference = true) const {
    return simulate(links, graph, {fidelity, interference, true});
  }
};

const Bytes kMegabyte{1'000'000};

}  // namespace

TEST_CASE("point to point takes alpha + S / beta") {
  for (const Fidelity fidelity : kBoth) {
    Job job;
    const TaskId sent = job.send({{LinkId{0}}}, kMegabyte, Time::us(5));
    const Timeline timeline = job.run(equal_links(1, 12.5), fidelity);
    CHECK(timeline.start[sent] == Time::zero());
    CHECK(timeline.finish[sent] == Time::us(85));
    CHECK(timeline.makespan == Time::us(85));
    CHECK(total_link_bytes(1, job.graph) == std::vector{1e6});
  }
}

TEST_CASE("bytes that take part of a picosecond take all of it") {
  for (const Fidelity fidelity : kBoth) {
    Job job;
    job.send({{LinkId{0}}}, Bytes{1});
    CHECK(job.run(equal_links(1, 3'000.0), fidelity).makespan == Time::ps(1));
  }
}

TEST_CASE("the narrowest weighted link or the cap limits a lone transfer") {
  Links links = equal_links(2, 100.0);
  links[LinkId{1}].capacity = Bandwidth::gb_per_s(30.0);
  for (const Fidelity fidelity : kBoth) {
    Job job;
    const TrafficId traffic =
        job.graph.add_traffic(std::vector<LinkUse>{{LinkId{0}, 1.0}, {LinkId{1}, 0.5}});
    for (const double cap : {0.0, 20.0, 80.0})
      job.graph.add_transfer(
          {{}, traffic, kMegabyte, {}, Bandwidth::gb_per_s(cap), 0.0},
          job.graph.size() == 0 ? std::vector<TaskId>{} : std::vector{TaskId{job.graph.size() - 1}},
          {});
    const Timeline timeline = job.run(links, fidelity);
    CHECK(timeline.finish[TaskId{0}] == kMegabyte / Bandwidth::gb_per_s(60.0));
    CHECK(timeline.finish[TaskId{1}] - timeline.finish[TaskId{0}] == Time::us(50));
    CHECK(timeline.finish[TaskId{2}] - timeline.finish[TaskId{1}] == timeline.finish[TaskId{0}]);
    CHECK(total_link_bytes(2, job.graph) == std::vector{3e6, 1.5e6});
  }
}

TEST_CASE("transfers without links take their latency and what their cap says") {
  for (const Fidelity fidelity : kBoth) {
    Job job;
    const TaskId free = job.send({}, kMegabyte, Time::us(3));
    const TrafficId none = job.graph.add_traffic({});
    const TaskId capped = job.graph.add_transfer(
        {{}, none, kMegabyte, Time::us(3), Bandwidth::gb_per_s(1.0), 0.0}, {}, {});
    const TaskId empty = job.send({{LinkId{0}}}, Bytes{}, Time::us(2));
    const TaskId nothing = job.send({{LinkId{0}}}, Bytes{}, Time::zero(), {empty});
    const Timeline timeline = job.run(equal_links(1, 1.0), fidelity);
    CHECK(timeline.finish[free] == Time::us(3));
    CHECK(timeline.finish[capped] == Time::us(1'003));
    CHECK(timeline.finish[empty] == Time::us(2));
    CHECK(timeline.finish[nothing] == Time::us(2));
  }
}

TEST_CASE("a ring all-reduce takes 2(n-1)(alpha + S / (n beta))") {
  for (const Fidelity fidelity : kBoth) {
    for (const std::size_t n : {2U, 3U, 8U, 16U}) {
      const Bytes part{640'000};
      const Time alpha = Time::us(7);
      Job job;
      std::vector<TaskId> last;  // of the previous round, by sender
      for (std::size_t round = 0; round < 2 * (n - 1); ++round) {
        std::vector<TaskId> now;
        for (std::size_t i = 0; i < n; ++i) {
          std::vector<TaskId> after;
          if (round > 0) after = {last[i], last[(i + n - 1) % n]};
          now.push_back(job.send({{LinkId{i}}}, part, alpha, after));
        }
        last = now;
      }
      const Timeline timeline = job.run(equal_links(n, 12.5), fidelity);
      const auto rounds = static_cast<std::int64_t>(2 * (n - 1));
      CHECK(timeline.makespan == rounds * (alpha + part / Bandwidth::gb_per_s(12.5)));
    }
  }
}

TEST_CASE("k flows into one link take k S / beta together") {
  for (const int k : {1, 2, 5, 64}) {
    Job job;
    for (int i = 0; i < k; ++i) job.send({{LinkId{0}}}, kMegabyte, Time::us(1));
    const Timeline timeline = job.run(equal_links(1, 10.0));
    CHECK(timeline.makespan == Time::us(1) + k * (kMegabyte / Bandwidth::gb_per_s(10.0)));
    CHECK(*std::min_element(timeline.finish.begin(), timeline.finish.end()) == timeline.makespan);
  }
}

TEST_CASE("a flow that ends gives its share to the others") {
  Job job;
  const TaskId small = job.send({{LinkId{0}}}, kMegabyte);
  const TaskId large = job.send({{LinkId{0}}}, 3 * kMegabyte);
  const TaskId late = job.send({{LinkId{0}}}, kMegabyte, Time::us(350));
  const Timeline timeline = job.run(equal_links(1, 10.0));
  CHECK(timeline.finish[small] == Time::us(200));  // half the link
  CHECK(timeline.finish[large] == Time::us(450));  // half, all from 200, half from 350
  CHECK(timeline.finish[late] == Time::us(500));   // half, then all
}

// Raising one link's capacity can slow a job under max-min sharing: a regression vector that shows
// that the shares really are max-min. A goes over l1 and l2, B over l2; after B come 50 s of work.
TEST_CASE("a faster link can lengthen the job: 55 s become 59 s") {
  const auto makespan = [](double first_link) {
    Job job;
    job.send({{LinkId{0}}, {LinkId{1}}}, Bytes{50'000'000'000});
    const TaskId b = job.send({{LinkId{1}}}, Bytes{45'000'000'000});
    job.compute(0, Time::us(50'000'000), {b});
    Links links = equal_links(2, 10.0);
    links[LinkId{0}].capacity = Bandwidth::gb_per_s(first_link);
    return job.run(links).makespan;
  };
  CHECK(makespan(1.0) == Time::us(55'000'000));
  CHECK(makespan(10.0) == Time::us(59'000'000));
}

TEST_CASE("the host holds back the start and the end of a task") {
  for (const Fidelity fidelity : kBoth) {
    Job job;
    const TaskId sync = job.compute(0, Time::us(10));
    const TaskId held = job.compute(1, Time::us(1), {}, {sync, Time::us(2), Time::us(6)});
    const TaskId busy = job.compute(1, Time::us(9), {held}, {sync, Time::us(3), Time::us(8)});
    const TaskId late = job.send({}, Bytes{}, Time::us(1), {}, {TaskId::none(), Time::us(4), {}});
    const TaskId end =
        job.send({{LinkId{0}}}, kMegabyte, {}, {}, {sync, Time::us(1), Time::us(500)});
    const Timeline timeline = job.run(equal_links(1, 10.0), fidelity);
    CHECK(timeline.start[held] == Time::us(12));
    CHECK(timeline.finish[held] == Time::us(16));
    CHECK(timeline.start[busy] == Time::us(16));
    CHECK(timeline.finish[busy] == Time::us(25));
    CHECK(timeline.start[late] == Time::us(4));
    CHECK(timeline.finish[late] == Time::us(5));
    CHECK(timeline.start[end] == Time::us(11));
    CHECK(timeline.finish[end] == Time::us(510));
  }
}

TEST_CASE("a transfer that the host holds back gives up its link when its bytes have moved") {
  Job job;
  job.send({{LinkId{0}}}, kMegabyte, {}, {}, {TaskId::none(), {}, Time::us(900)});
  const TaskId other = job.send({{LinkId{0}}}, 2 * kMegabyte);
  const Timeline timeline = job.run(equal_links(1, 10.0));
  CHECK(timeline.finish[TaskId{0}] == Time::us(900));
  CHECK(timeline.finish[other] == Time::us(300));
}

TEST_CASE("transfers slow the compute of their participants while they run") {
  Job job;
  const TaskId work = job.compute(0, Time::us(100));
  const TaskId aside = job.compute(1, Time::us(100));
  const TaskId wait = job.compute(2, Time::us(20));
  job.slow_down({RankId{0}}, Time::us(40), 0.25, {wait});  // from 20 to 60, latency included
  CHECK(job.run({}).finish[work] == Time::us(110));
  CHECK(job.run({}).finish[aside] == Time::us(100));
  CHECK(job.run({}, Fidelity::flow, false).finish[work] == Time::us(100));
  CHECK(job.run({}, Fidelity::analytic).finish[work] == Time::us(100));
}

TEST_CASE("shares add up, down to the least compute rate") {
  Job job;
  const TaskId work = job.compute(0, Time::us(10));
  const TaskId late = job.compute(0, Time::us(10), {work});
  for (int i = 0; i < 3; ++i) job.slow_down({RankId{0}, RankId{1}}, Time::us(320), 0.5);
  const Timeline timeline = job.run({});
  CHECK(timeline.finish[work] == Time::us(325));  // 5 us of work by then, at a 64th of the speed
  CHECK(timeline.finish[late] == Time::us(335));
}

TEST_CASE("a transfer that follows another one with the same share changes nothing") {
  Job job;
  const TaskId work = job.compute(0, Time::us(30));
  const TaskId first = job.slow_down({RankId{0}}, Time::us(10), 0.25);
  job.slow_down({RankId{0}}, Time::us(90), 0.25, {first});
  const Timeline timeline = job.run({});
  CHECK(timeline.finish[work] == Time::us(40));
  CHECK(timeline.events == 3);  // one each: the compute's end was never moved
}

TEST_CASE("a chain of empty tasks takes no time") {
  for (const Fidelity fidelity : kBoth) {
    Job job;
    TaskId last = job.compute(0, Time::zero());
    for (int i = 0; i < 100'000; ++i) last = job.compute(0, Time::zero(), {last});
    CHECK(job.run({}, fidelity).makespan == Time::zero());
  }
}

TEST_CASE("an empty graph takes no time") {
  for (const Fidelity fidelity : kBoth) {
    const Timeline timeline = Job{}.run(equal_links(2, 1.0), fidelity);
    CHECK(timeline.makespan == Time::zero());
    CHECK(timeline.events == 0);
  }
}
