#include "oracle.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sim::test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct OracleLink {
  double left = 0.0;
  double weight = 0.0;
  double floor = 0.0;  // the last level at which flows of this link froze
  double level() const { return weight > 0.0 ? std::max(floor, left / weight) : kInfinity; }
};

double cap_of(const OracleFlow& flow) { return flow.cap > 0.0 ? flow.cap : kInfinity; }

bool is_full(const OracleFlow& flow, const IdVector<LinkId, OracleLink>& state, double level) {
  if (cap_of(flow) == level) return true;
  return std::any_of(flow.uses.begin(), flow.uses.end(),
                     [&](const LinkUse& use) { return state[use.link].level() == level; });
}

}  // namespace

std::vector<double> oracle_rates(const IdVector<LinkId, Link>& links,
                                 const std::vector<OracleFlow>& flows) {
  IdVector<LinkId, OracleLink> state(links.size());
  for (std::size_t l = 0; l < links.size(); ++l)
    state[LinkId{l}].left = links[LinkId{l}].capacity.bytes_per_second();
  for (const OracleFlow& flow : flows)
    for (const LinkUse& use : flow.uses) state[use.link].weight += use.weight;
  std::vector<double> rates(flows.size(), -1.0);
  for (std::size_t open = flows.size(); open > 0;) {
    double level = kInfinity;
    for (const OracleLink& link : state) level = std::min(level, link.level());
    for (std::size_t f = 0; f < flows.size(); ++f)
      if (rates[f] < 0.0) level = std::min(level, cap_of(flows[f]));
    std::vector<std::size_t> frozen;
    for (std::size_t f = 0; f < flows.size(); ++f)
      if (rates[f] < 0.0 && is_full(flows[f], state, level)) frozen.push_back(f);
    IdVector<LinkId, double> weight(links.size(), 0.0);
    for (const std::size_t f : frozen) {
      rates[f] = level;
      for (const LinkUse& use : flows[f].uses) weight[use.link] += use.weight;
    }
    for (std::size_t l = 0; l < links.size(); ++l) {
      if (weight[LinkId{l}] == 0.0) continue;
      state[LinkId{l}].left -= level * weight[LinkId{l}];
      state[LinkId{l}].weight -= weight[LinkId{l}];
      state[LinkId{l}].floor = level;
    }
    open -= frozen.size();
  }
  return rates;
}

namespace {

enum class Stage { waiting, computing, latency, moving, held, done };

struct OracleTask {
  Stage stage = Stage::waiting;
  double remaining = 0.0;
  double rate = 0.0;
  std::int64_t updated = 0;
  std::int64_t next = -1;  // ps at which the stage ends; -1 = not known
};

class Oracle {
 public:
  Oracle(const IdVector<LinkId, Link>& links, const TaskGraph& graph,
         const SimulateOptions& options)
      : links_(links), graph_(graph), options_(options), tasks_(graph.size()) {
    timeline_.start.resize(graph.size());
    timeline_.finish.resize(graph.size());
  }

  Timeline run() {
    do {
      while (settle_instant()) {
      }
      settle_compute_rates();
      settle_flow_rates();
    } while (go_to_next_instant());
    timeline_.makespan = Time::ps(now_);
    return timeline_;
  }

 private:
  std::int64_t issue(TaskId id, Time offset) const {
    const TaskId anchor = graph_.host(id).anchor;
    return ((anchor.valid() ? timeline_.finish[anchor] : Time::zero()) + offset).count();
  }
  bool is_done(TaskId id) const { return tasks_[id].stage == Stage::done; }
  bool is_ready(TaskId id) const {
    const auto predecessors = graph_.predecessors(id);
    const TaskId anchor = graph_.host(id).anchor;
    return (!anchor.valid() || is_done(anchor)) &&
           std::all_of(predecessors.begin(), predecessors.end(),
                       [&](TaskId p) { return is_done(p); });
  }

  bool settle_instant() {
    bool moved = false;
    for (std::size_t i = 0; i < graph_.size(); ++i) moved |= step(TaskId{i});
    return moved;
  }

  bool step(TaskId id) {
    OracleTask& task = tasks_[id];
    switch (task.stage) {
      case Stage::done:
        return false;
      case Stage::waiting:
        return is_ready(id) && now_ >= issue(id, graph_.host(id).begin) && begin(id);
      case Stage::latency:
        return task.next == now_ && enter_moving(id);
      default:
        return task.next == now_ && leave_work(id);
    }
  }

  bool begin(TaskId id) {
    OracleTask& task = tasks_[id];
    timeline_.start[id] = Time::ps(now_);
    const std::int64_t work = graph_.work(id).count();
    task.next = now_ + work;
    task.stage = Stage::latency;
    if (graph_.kind(id) == TaskKind::transfer) return true;
    task.stage = Stage::computing;
    enter(task, static_cast<double>(work));
    return true;
  }

  bool enter_moving(TaskId id) {
    OracleTask& task = tasks_[id];
    task.stage = Stage::moving;
    const bool free = graph_.link_uses(graph_.traffic(id)).empty() && graph_.rate_cap(id) == 0.0;
    enter(task, free ? 0.0 : graph_.bytes(id).as_double());
    return true;
  }

  void enter(OracleTask& task, double work) {
    task.remaining = work;
    task.updated = now_;
    task.rate = 0.0;
    task.next = work == 0.0 ? now_ : -1;
  }

  bool leave_work(TaskId id) {
    OracleTask& task = tasks_[id];
    const std::int64_t last = issue(id, graph_.host(id).end);
    if (last > now_) {
      task.stage = Stage::held;
      task.next = last;
      return true;
    }
    task.stage = Stage::done;
    timeline_.finish[id] = Time::ps(now_);
    return true;
  }

  void set_rate(OracleTask& task, double rate, double unit) {
    if (rate == task.rate) return;
    const double elapsed = static_cast<double>(now_ - task.updated) / unit;
    task.remaining = std::max(0.0, task.remaining - elapsed * task.rate);
    task.updated = now_;
    task.rate = rate;
    const double exact = task.remaining / rate * unit;
    const double wait = unit == 1.0 ? std::ceil(exact) : ceil_ps(exact);
    task.next = now_ + std::max<std::int64_t>(1, static_cast<std::int64_t>(wait));
  }

  void settle_compute_rates() {
    IdVector<RankId, std::int64_t> taken(graph_.rank_count(), 0);
    for (std::size_t i = 0; i < graph_.size() && options_.interference; ++i) {
      const Stage stage = tasks_[TaskId{i}].stage;
      if (stage != Stage::latency && stage != Stage::moving) continue;
      const std::int64_t share = std::llround(graph_.compute_share(TaskId{i}) * 0x1p30);
      for (const RankId rank : graph_.participants(TaskId{i})) taken[rank] += share;
    }
    for (std::size_t i = 0; i < graph_.size(); ++i) {
      if (tasks_[TaskId{i}].stage != Stage::computing) continue;
      const RankId rank = graph_.participants(TaskId{i}).front();
      const double rate = 1.0 - static_cast<double>(taken[rank]) * 0x1p-30;
      set_rate(tasks_[TaskId{i}], std::max(kLeastComputeRate, rate), 1.0);
    }
  }

  void settle_flow_rates() {
    std::vector<TaskId> moving;
    std::vector<OracleFlow> flows;
    for (std::size_t i = 0; i < graph_.size(); ++i) {
      const TaskId id{i};
      if (tasks_[id].stage != Stage::moving) continue;
      const auto uses = graph_.link_uses(graph_.traffic(id));
      moving.push_back(id);
      flows.push_back({{uses.begin(), uses.end()}, graph_.rate_cap(id)});
    }
    const std::vector<double> rates = oracle_rates(links_, flows);
    for (std::size_t f = 0; f < moving.size(); ++f) set_rate(tasks_[moving[f]], rates[f], 1e12);
  }

  bool go_to_next_instant() {
    std::int64_t next = std::numeric_limits<std::int64_t>::max();
    bool any = false;
    for (std::size_t i = 0; i < graph_.size(); ++i) {
      const TaskId id{i};
      if (is_done(id)) continue;
      const bool waits = tasks_[id].stage == Stage::waiting;
      if (waits && !is_ready(id)) continue;
      next = std::min(next, waits ? issue(id, graph_.host(id).begin) : tasks_[id].next);
      any = true;
    }
    if (any) now_ = next;
    return any;
  }

  const IdVector<LinkId, Link>& links_;
  const TaskGraph& graph_;
  const SimulateOptions options_;
  IdVector<TaskId, OracleTask> tasks_;
  std::int64_t now_ = 0;
  Timeline timeline_;
};

}  // namespace

Timeline oracle_simulate(const IdVector<LinkId, Link>& links, const TaskGraph& graph,
                         const SimulateOptions& options) {
  return Oracle(links, graph, options).run();
}

}  // namespace sim::test
