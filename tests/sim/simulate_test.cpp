// simulate() against a slow second engine, and against the laws of reason: on random graphs.
#include "sim/simulate.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>

#include "graphs.hpp"
#include "oracle.hpp"
#include "print.hpp"
#include "sim/laws.hpp"
#include "sim/least_after.hpp"

using namespace sim;
using sim::test::JobSpec;
using sim::test::Random;
using sim::test::TaskSpec;

namespace {

constexpr SimulateOptions kFlow{Fidelity::flow, true, true};
constexpr SimulateOptions kAnalytic{Fidelity::analytic, true, true};

}  // namespace

TEST_CASE("the engine and the oracle agree to the picosecond") {
  for (std::uint64_t seed = 1; seed <= 1'000; ++seed) {
    Random random(seed);
    const JobSpec job = random.one_in(2) ? test::random_job(random, random.between(1, 60))
                                         : test::random_passes(random, random.between(1, 12));
    const TaskGraph graph = test::graph_of(job.tasks);
    SimulateOptions options = kFlow;
    options.interference = !random.one_in(4);
    const Timeline expected = test::oracle_simulate(job.links, graph, options);
    const Timeline timeline = simulate(job.links, graph, options);
    INFO("seed " << seed);
    REQUIRE(timeline.makespan == expected.makespan);
    REQUIRE(timeline.start.raw() == expected.start.raw());
    REQUIRE(timeline.finish.raw() == expected.finish.raw());
  }
}

TEST_CASE("a deadline ends late simulations early and leaves the others as they are") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Random random(seed);
    const JobSpec job = test::random_job(random, random.between(1, 60));
    const TaskGraph graph = test::graph_of(job.tasks);
    SimulateOptions options = kFlow;
    options.interference = !random.one_in(4);
    const Timeline whole = simulate(job.links, graph, options);
    const LeastAfter least = least_after(job.links, graph);
    INFO("seed " << seed);
    REQUIRE(least.whole <= whole.makespan);
    for (std::size_t i = 0; i < graph.size(); ++i) {
      REQUIRE(whole.finish[TaskId{i}] + least.after[TaskId{i}] <= whole.makespan);
    }
    options.deadline = whole.makespan;
    const Timeline in_time = simulate(job.links, graph, options);
    REQUIRE_FALSE(in_time.late);
    REQUIRE(in_time.finish.raw() == whole.finish.raw());
    if (whole.makespan == Time::zero()) continue;
    options.deadline = whole.makespan - Time::ps(1);
    const Timeline late = simulate(job.links, graph, options);
    REQUIRE(late.late);
    REQUIRE(late.events <= whole.events);
  }
}

// The first tasks of a job, and what stands for those that could start next.
TEST_CASE("the beginning of a graph runs as in the whole one until it ends") {
  int late = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Random random(seed);
    const JobSpec job = test::random_job(random, random.between(2, 60));
    const TaskGraph graph = test::graph_of(job.tasks);
    const Timeline whole = simulate(job.links, graph, kFlow);
    const std::size_t kept = random.between(1, graph.size() - 1);
    auto tasks = job.tasks;
    tasks.resize(kept);
    TaskGraph beginning = test::graph_of(tasks);
    std::vector<Time> rest;
    for (std::size_t i = kept; i < graph.size(); ++i) {
      const auto waits = graph.predecessors(TaskId{i});
      if (std::any_of(waits.begin(), waits.end(), [&](TaskId t) { return t.index() >= kept; }))
        continue;
      beginning.add_compute(RankId{0}, Time::zero(), waits, {});
      rest.push_back(whole.makespan - whole.start[TaskId{i}]);
    }
    SimulateOptions options = kFlow;
    options.left_out = rest;
    const Timeline part = simulate(job.links, beginning, options);
    INFO("seed " << seed);
    REQUIRE(part.open);
    for (std::size_t i = 0; i < kept; ++i) {
      const Time finish = part.finish[TaskId{i}];
      if (finish > Time::zero()) REQUIRE(finish == whole.finish[TaskId{i}]);
    }
    options.deadline = whole.makespan;
    REQUIRE_FALSE(simulate(job.links, beginning, options).late);
    options.deadline = whole.makespan - Time::ps(1);
    if (simulate(job.links, beginning, options).late) ++late;
  }
  CHECK(late > 100);
}

// Every task of every copy starts and ends when the one task of the folded graph does.
TEST_CASE("a folded graph gives the instants of the whole one") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    const JobSpec job = test::random_job(random, random.between(5, 60));
    const std::size_t copies = random.between(2, 7);
    const std::size_t shared = random.below(job.links.size() + 1);
    const JobSpec folded = test::fold(job, copies, shared);
    const JobSpec whole = test::unfold(job, copies, shared);
    const Timeline one = simulate(folded.links, test::graph_of(folded.tasks), kFlow);
    const Timeline all = simulate(whole.links, test::graph_of(whole.tasks), kFlow);
    INFO("seed " << seed);
    REQUIRE(one.makespan == all.makespan);
    for (std::size_t i = 0; i < whole.tasks.size(); ++i) {
      REQUIRE(all.start[TaskId{i}] == one.start[TaskId{i / copies}]);
      REQUIRE(all.finish[TaskId{i}] == one.finish[TaskId{i / copies}]);
    }
  }
}

TEST_CASE("both fidelities agree where nothing is shared") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Random random(seed);
    JobSpec job = test::random_job(random, 60);
    IdVector<LinkId, Link> links;  // each transfer gets links of its own
    for (TaskSpec& task : job.tasks) {
      for (LinkUse& use : task.uses) {
        links.push_back(job.links[use.link]);
        use.link = LinkId{links.size() - 1};
      }
    }
    const TaskGraph graph = test::graph_of(job.tasks);
    SimulateOptions quiet = kFlow;
    quiet.interference = false;
    const Timeline flow = simulate(links, graph, quiet);
    const Timeline analytic = simulate(links, graph, kAnalytic);
    REQUIRE(flow.start.raw() == analytic.start.raw());
    REQUIRE(flow.finish.raw() == analytic.finish.raw());
    REQUIRE(flow.makespan == analytic.makespan);
  }
}

TEST_CASE("contention and interference never beat the quiet network on one task after another") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Random random(seed);
    const JobSpec job = test::random_job(random, 60);
    const TaskGraph graph = test::graph_of(job.tasks);
    const Timeline flow = simulate(job.links, graph, kFlow);
    const Timeline analytic = simulate(job.links, graph, kAnalytic);
    for (std::size_t i = 0; i < graph.size(); ++i)
      REQUIRE(flow.finish[TaskId{i}] >= analytic.finish[TaskId{i}]);
  }
}

// Relabelling: the same job with its tasks appended in another topological order.
TEST_CASE("ties do not depend on task ids") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Random random(seed);
    const JobSpec job = test::random_job(random, 50);
    const std::size_t count = job.tasks.size();
    std::vector<std::size_t> new_id(count, count);
    JobSpec shuffled{job.links, {}};
    while (shuffled.tasks.size() < count) {
      const std::size_t pick = random.below(count);
      const TaskSpec& task = job.tasks[pick];
      const auto placed = [&](TaskId id) { return !id.valid() || new_id[id.index()] < count; };
      if (new_id[pick] < count || !placed(task.host.anchor) ||
          !std::all_of(task.predecessors.begin(), task.predecessors.end(), placed))
        continue;
      new_id[pick] = shuffled.tasks.size();
      shuffled.tasks.push_back(task);
      for (TaskId& p : shuffled.tasks.back().predecessors) p = TaskId{new_id[p.index()]};
      TaskId& anchor = shuffled.tasks.back().host.anchor;
      if (anchor.valid()) anchor = TaskId{new_id[anchor.index()]};
    }
    const Timeline before = simulate(job.links, test::graph_of(job.tasks), kFlow);
    const Timeline after = simulate(job.links, test::graph_of(shuffled.tasks), kFlow);
    for (std::size_t i = 0; i < count; ++i)
      REQUIRE(after.finish[TaskId{new_id[i]}] == before.finish[TaskId{i}]);
  }
}

// All rates times 2^k and all fixed times divided by 2^k: every instant is divided by 2^k, up to
// the rounding of each task on the way to a picosecond.
TEST_CASE("a machine that is 2^k times faster takes 2^k times less") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Random random(seed);
    const std::int64_t factor = std::int64_t{1} << random.between(1, 4);
    JobSpec slow = test::random_job(random, 40);
    for (TaskSpec& task : slow.tasks) {
      task.work = factor * task.work;
      task.host.begin = factor * task.host.begin;
      task.host.end = factor * task.host.end;
    }
    JobSpec fast = slow;
    for (Link& link : fast.links) link.capacity = link.capacity * static_cast<double>(factor);
    for (TaskSpec& task : fast.tasks) {
      task.cap = task.cap * static_cast<double>(factor);
      task.work = Time::ps(task.work.count() / factor);
      task.host.begin = Time::ps(task.host.begin.count() / factor);
      task.host.end = Time::ps(task.host.end.count() / factor);
    }
    const Timeline a = simulate(slow.links, test::graph_of(slow.tasks), kFlow);
    const Timeline b = simulate(fast.links, test::graph_of(fast.tasks), kFlow);
    for (std::size_t i = 0; i < slow.tasks.size(); ++i) {
      const Time gap = factor * b.finish[TaskId{i}] - a.finish[TaskId{i}];
      REQUIRE(std::abs(gap.count()) <= factor * 200);
    }
  }
}

TEST_CASE("a shorter task on a private resource never ends the job later") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Random random(seed);
    JobSpec job = test::random_job(random, 60);
    for (TaskSpec& task : job.tasks) {
      task.uses.clear();
      task.share = 0.0;
    }
    const Time before = simulate(job.links, test::graph_of(job.tasks), kFlow).makespan;
    TaskSpec& shortened = job.tasks[random.below(job.tasks.size())];
    shortened.work = Time::ps(shortened.work.count() / 2);
    REQUIRE(simulate(job.links, test::graph_of(job.tasks), kFlow).makespan <= before);
  }
}

TEST_CASE("the same graph gives the same Timeline") {
  Random random(5);
  const JobSpec job = test::random_job(random, 300);
  const TaskGraph graph = test::graph_of(job.tasks);
  const Timeline first = simulate(job.links, graph, kFlow);
  const Timeline second = simulate(job.links, graph, kFlow);
  CHECK(first.finish.raw() == second.finish.raw());
  CHECK(first.events == second.events);
}

TEST_CASE("a Timeline that breaks a law is refused") {
  Random random(11);
  const JobSpec job = test::random_job(random, 80);
  const TaskGraph graph = test::graph_of(job.tasks);
  const Timeline right = simulate(job.links, graph, kFlow);
  REQUIRE_NOTHROW(check_causality(graph, right));
  REQUIRE_NOTHROW(check_link_totals(job.links, graph, right.makespan));
  Timeline wrong = right;
  wrong.makespan = wrong.makespan - Time::ps(1);
  CHECK_THROWS_AS(check_causality(graph, wrong), ContractViolation);
  wrong = right;
  for (std::size_t i = 0; i < graph.size(); ++i)
    if (!graph.predecessors(TaskId{i}).empty())
      wrong.start[TaskId{i}] = right.finish[graph.predecessors(TaskId{i})[0]] - Time::ps(1);
  CHECK_THROWS_AS(check_causality(graph, wrong), ContractViolation);
  CHECK_THROWS_AS(check_link_totals(job.links, graph, Time::ps(1)), ContractViolation);
}
