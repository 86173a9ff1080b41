#include "sim/task_graph.hpp"

#include <catch2/catch.hpp>

#include "print.hpp"
#include "sim/contracts.hpp"

using namespace sim;

TEST_CASE("a task graph gives back what was put in") {
  TaskGraph graph;
  const std::vector<LinkUse> uses{{LinkId{3}, 0.5}, {LinkId{1}, 1.0}};
  const TrafficId traffic = graph.add_traffic(uses);
  const TaskId a = graph.add_compute(RankId{2}, Time::us(5), {}, {});
  const std::vector<RankId> ranks{RankId{0}, RankId{4}};
  const std::vector<TaskId> after{a};
  const HostIssue host{a, Time::us(1), Time::us(2)};
  const TaskId b = graph.add_transfer(
      {ranks, traffic, Bytes{99}, Time::us(3), Bandwidth::gb_per_s(2.0), 0.25}, after, host);

  CHECK(graph.size() == 2);
  CHECK(graph.rank_count() == 5);
  CHECK(graph.kind(a) == TaskKind::compute);
  CHECK(graph.kind(b) == TaskKind::transfer);
  CHECK(graph.work(a) == Time::us(5));
  CHECK(graph.work(b) == Time::us(3));
  CHECK(graph.bytes(b) == Bytes{99});
  CHECK(graph.rate_cap(b) == 2e9);
  CHECK(graph.compute_share(b) == 0.25);
  CHECK(graph.host(b).anchor == a);
  CHECK_FALSE(graph.host(a).anchor.valid());
  CHECK_FALSE(graph.traffic(a).valid());
  REQUIRE(graph.predecessors(b).size() == 1);
  CHECK(graph.predecessors(b)[0] == a);
  CHECK(graph.participants(a)[0] == RankId{2});
  CHECK(graph.participants(b).size() == 2);
  REQUIRE(graph.link_uses(traffic).size() == 2);  // sorted by link
  CHECK(graph.link_uses(traffic)[0].link == LinkId{1});
  CHECK(graph.link_uses(traffic)[1].weight == 0.5);
}

TEST_CASE("a task graph knows what each task waits for, and each sum, as it grows") {
  TaskGraph graph;
  const std::vector<LinkUse> uses{{LinkId{0}, 1.0}};
  const TrafficId traffic = graph.add_traffic(uses);
  const TrafficId no_links = graph.add_traffic({});
  const TaskId anchor = graph.add_compute(RankId{0}, Time::us(1), {}, {});
  const HostIssue host{anchor, {}, {}};
  const TaskId first = graph.add_compute(RankId{0}, Time::us(1), {}, host);
  const std::vector<TaskId> after{first};
  const TaskId second = graph.add_compute(RankId{0}, Time::us(1), after, host);
  CHECK(graph.predecessors(first).empty());
  CHECK(graph.awaited(first).size() == 1);  // the anchor
  CHECK(graph.awaited(first)[0] == anchor);
  CHECK(graph.predecessors(second).size() == 1);
  CHECK(graph.awaited(second).size() == 1);  // `first` has waited for the anchor
  CHECK(graph.successor_count(anchor) == 1);
  CHECK(graph.successor_count(first) == 1);
  CHECK_FALSE(graph.takes_compute());

  const auto send = [&](TrafficId over, double cap, double share) {
    return graph.add_transfer({{}, over, Bytes{5}, {}, Bandwidth{cap}, share}, {}, {});
  };
  const TaskId slow = send(traffic, 1.0, 0.0);
  const TaskId fast = send(traffic, 2.0, 0.0);
  const TaskId slow_again = send(traffic, 1.0, 0.5);
  CHECK(graph.flow_class(slow) == graph.flow_class(slow_again));
  CHECK(graph.flow_class(slow) != graph.flow_class(fast));
  CHECK_FALSE(graph.flow_class(send(no_links, 1.0, 0.0)).valid());
  CHECK_FALSE(graph.flow_class(anchor).valid());
  CHECK(graph.flow_classes().size() == 2);
  CHECK(graph.carried(traffic) == Bytes{15});
  CHECK(graph.takes_compute());
}

TEST_CASE("a link named twice carries both weights") {
  TaskGraph graph;
  const std::vector<LinkUse> uses{{LinkId{1}, 0.5}, {LinkId{0}, 1.0}, {LinkId{1}, 0.25}};
  const auto stored = graph.link_uses(graph.add_traffic(uses));
  REQUIRE(stored.size() == 2);
  CHECK(stored[1].link == LinkId{1});
  CHECK(stored[1].weight == 0.75);
}

TEST_CASE("dyadic weights are multiples of 2^-20, never zero") {
  CHECK(dyadic(0.5) == 0.5);
  CHECK(dyadic(1.0 / 3.0) == Approx(1.0 / 3.0).margin(0x1p-21));
  CHECK(dyadic(1.0 / 3.0) * 0x1p20 == std::floor(dyadic(1.0 / 3.0) * 0x1p20));
  CHECK(dyadic(1e-12) == 0x1p-20);
}

TEST_CASE("a task graph refuses what cannot be executed") {
  TaskGraph graph;
  const TaskId task = graph.add_compute(RankId{0}, Time::us(1), {}, {});
  const std::vector<TaskId> later{TaskId{5}};
  const std::vector<TaskId> itself{TaskId{1}};
  CHECK_THROWS_AS(graph.add_compute(RankId{0}, Time::us(1), later, {}), ContractViolation);
  CHECK_THROWS_AS(graph.add_compute(RankId{0}, Time::us(1), itself, {}), ContractViolation);
  CHECK_THROWS_AS(graph.add_compute(RankId{0}, Time::ps(-1), {}, {}), ContractViolation);
  CHECK_THROWS_AS(graph.add_compute(RankId{0}, {}, {}, {TaskId{9}, {}, {}}), ContractViolation);
  CHECK_THROWS_AS(graph.add_compute(RankId{0}, {}, {}, {task, Time::ps(-1), {}}),
                  ContractViolation);
  CHECK_THROWS_AS(graph.add_transfer({{}, TrafficId{0}, Bytes{1}, {}, {}, 0.0}, {}, {}),
                  ContractViolation);
  const std::vector<LinkUse> odd{{LinkId{0}, 1.0 / 3.0}};
  const std::vector<LinkUse> none{{LinkId{0}, 0.0}};
  CHECK_THROWS_AS(graph.add_traffic(odd), ContractViolation);
  CHECK_THROWS_AS(graph.add_traffic(none), ContractViolation);
}
