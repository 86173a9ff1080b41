#include "graphs.hpp"

namespace sim::test {
namespace {

Time random_time(Random& random) {
  if (random.one_in(6)) return Time::zero();
  if (random.one_in(3)) return Time::us(static_cast<std::int64_t>(random.between(1, 5)));  // ties
  return Time::ps(static_cast<std::int64_t>(random.between(1, 8'000'000)));
}

void make_transfer(Random& random, std::size_t link_count, TaskSpec& task) {
  task.kind = TaskKind::transfer;
  task.bytes = random.one_in(8) ? Bytes{} : Bytes{static_cast<std::int64_t>(random.below(90'000))};
  if (random.one_in(4)) task.cap = Bandwidth{1e9 * static_cast<double>(random.between(1, 40))};
  if (random.one_in(2)) task.share = 0.3 * random.unit();
  if (random.one_in(5)) task.ranks.push_back(RankId{4});  // a second participant
  for (std::size_t l = 0; l < link_count; ++l)
    if (random.one_in(3))
      task.uses.push_back({LinkId{l}, random.one_in(2) ? 1.0 : dyadic(random.unit())});
}

}  // namespace

JobSpec random_job(Random& random, std::size_t tasks) {
  JobSpec job;
  for (std::size_t l = random.between(1, 6); l > 0; --l)
    job.links.push_back(
        Link{Bandwidth{1e9 * static_cast<double>(random.between(1, 9)) * 5.0}, Time::zero()});
  for (std::size_t i = 0; i < tasks; ++i) {
    TaskSpec task;
    task.work = random_time(random);
    task.ranks.push_back(RankId{random.below(4)});
    if (random.one_in(2)) make_transfer(random, job.links.size(), task);
    for (std::size_t p = random.below(3); p > 0 && i > 0; --p)
      task.predecessors.push_back(TaskId{i - random.between(1, std::min<std::size_t>(i, 8))});
    if (random.one_in(5)) {
      if (i > 0 && random.one_in(2)) task.host.anchor = TaskId{random.below(i)};
      task.host.begin = random_time(random);
      task.host.end = task.host.begin + random_time(random);
    }
    job.tasks.push_back(task);
  }
  return job;
}

JobSpec random_passes(Random& random, std::size_t passes) {
  JobSpec job = random_job(random, 0);
  std::vector<TaskId> last(4);  // of each rank
  std::vector<TaskId> anchor(4);
  const auto append = [&](TaskSpec task) {
    job.tasks.push_back(std::move(task));
    return TaskId{job.tasks.size() - 1};
  };
  for (std::size_t pass = 0; pass < passes; ++pass) {
    const std::size_t rank = random.below(4);
    std::vector<TaskId> waits;  // of the pass's first task, and again of some of the others
    if (random.one_in(2)) waits.push_back(last[random.below(4)]);
    if (random.one_in(4)) anchor[rank] = last[rank];
    const Time issue = random.one_in(3) ? random_time(random) : Time::zero();
    for (std::size_t i = random.between(1, 14); i > 0; --i) {
      TaskSpec task;
      task.work = random_time(random);
      task.ranks.push_back(RankId{rank});
      if (random.one_in(2)) make_transfer(random, job.links.size(), task);
      task.predecessors = {last[rank]};
      if (random.one_in(4) && last[rank].valid())
        task.predecessors.push_back(TaskId{random.below(last[rank].index() + 1)});
      if (waits.size() > 1 || random.one_in(3))
        task.predecessors.insert(task.predecessors.end(), waits.begin(), waits.end());
      std::erase_if(task.predecessors, [](TaskId id) { return !id.valid(); });
      task.host = {anchor[rank], issue, issue + (random.one_in(6) ? Time::us(3) : Time::zero())};
      last[rank] = append(task);
      waits.push_back(last[rank]);
      if (!random.one_in(9)) continue;
      TaskSpec side;  // what nobody waits for
      make_transfer(random, job.links.size(), side);
      side.ranks = {RankId{rank}};
      side.predecessors = {last[rank]};
      append(side);
    }
  }
  return job;
}

TaskGraph graph_of(const std::vector<TaskSpec>& tasks) {
  TaskGraph graph;
  for (const TaskSpec& task : tasks) {
    if (task.kind == TaskKind::compute) {
      graph.add_compute(task.ranks.front(), task.work, task.predecessors, task.host);
    } else {
      const TrafficId traffic = graph.add_traffic(task.uses);
      graph.add_transfer({task.ranks, traffic, task.bytes, task.work, task.cap, task.share},
                         task.predecessors, task.host);
    }
  }
  return graph;
}

JobSpec unfold(const JobSpec& job, std::size_t copies, std::size_t shared) {
  const std::size_t own = job.links.size() - shared;
  JobSpec whole;
  for (std::size_t l = 0; l < shared + own * copies; ++l)
    whole.links.push_back(job.links[LinkId{l < shared ? l : shared + (l - shared) % own}]);
  for (const TaskSpec& task : job.tasks) {
    for (std::size_t copy = 0; copy < copies; ++copy) {
      TaskSpec made = task;
      for (RankId& rank : made.ranks) rank = RankId{rank.index() * copies + copy};
      for (LinkUse& use : made.uses)
        if (use.link.index() >= shared) use.link = LinkId{use.link.index() + copy * own};
      for (std::size_t p = 0; p < made.predecessors.size(); ++p) {
        const std::size_t task_index = made.predecessors[p].index();
        const std::size_t from = task_index % 3 == 0 ? (copy + 1) % copies : copy;
        made.predecessors[p] = TaskId{task_index * copies + from};
      }
      if (made.host.anchor.valid())
        made.host.anchor = TaskId{made.host.anchor.index() * copies + copy};
      whole.tasks.push_back(made);
    }
  }
  return whole;
}

JobSpec fold(const JobSpec& job, std::size_t copies, std::size_t shared) {
  JobSpec folded = job;
  for (TaskSpec& task : folded.tasks)
    for (LinkUse& use : task.uses)
      if (use.link.index() < shared) use.weight *= static_cast<double>(copies);
  return folded;
}

}  // namespace sim::test
