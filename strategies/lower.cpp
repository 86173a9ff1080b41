#include "strategies/lower.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <tuple>

#include <fmt/format.h>

#include "sim/contracts.hpp"
#include "strategies/expand.hpp"
#include "strategies/hosts.hpp"
#include "strategies/transfer_price.hpp"

namespace strategies {
namespace {

using sim::RankId;
using sim::TaskId;

// Operations a rank may emit before the next rank has its turn: keeps task ids near the order of
// time, which is the order the engine reads them in.
constexpr int kTurn = 64;

struct RankState {
  const Program* program = nullptr;
  OpIndex next = 0;
  std::array<TaskId, kStreams> last;                     // per stream
  std::array<std::uint32_t, kGroupKinds> collectives{};  // of the group of a kind: how many so far
};

struct Meeting {  // members of a group that have arrived at a collective
  std::size_t arrived = 0;
  std::vector<TaskId> predecessors;
  std::vector<TaskOrigin> waiting;
  std::optional<sim::HostIssue> host;  // the latest of the first one's anchor
};

class Lowering {
 public:
  Lowering(const std::vector<Program>& programs, const Fleet& fleet, const Network& network,
           const Implementation& implementation, const LowerOptions& options)
      : fleet_(fleet),
        implementation_(implementation),
        options_(options),
        prices_(fleet, network, options.fidelity, out_.graph),
        hosts_(fleet, network, implementation, out_) {
    if (options.every_step) expansion_.emplace(fleet, network, out_);
    std::size_t tasks = 0;
    for (const SimulatedRank& rank : fleet.ranks) {
      RankState state;
      state.program = &programs[static_cast<std::size_t>(rank.stage)];
      tasks += state.program->size();
      out_.task_of.emplace_back(state.program->size());
      states_.push_back(std::move(state));
    }
    if (options.beginning != nullptr) most_tasks_ = options.beginning->tasks;
    out_.graph.reserve(std::min(tasks, most_tasks_));
    out_.origins.reserve(std::min(tasks, most_tasks_));
  }

  LoweredStep run() {
    std::size_t finished = 0;
    while (finished < states_.size()) {
      bool progress = false;
      finished = 0;
      for (std::size_t r = 0; r < states_.size(); ++r) {
        const RankId rank{r};
        for (int turn = 0; turn < kTurn && !done(rank) && step(rank); ++turn) progress = true;
        if (done(rank)) ++finished;
      }
      if (out_.graph.size() >= most_tasks_) {
        for (std::size_t r = 0; r < states_.size(); ++r) leave_open(RankId{r});
        break;
      }
      if (!progress && finished < states_.size()) fail();
    }
    out_.prices.assign(prices_.sources().begin(), prices_.sources().end());
    return std::move(out_);
  }

 private:
  // Of each lane the first operation that is left out, where all it waits for on this rank is
  // there: whatever else is left out starts no earlier than one of these.
  void leave_open(RankId rank) {
    RankState& s = state(rank);
    std::array<bool, kStreams> seen{};
    const std::span<const Stream> streams = s.program->streams();
    for (OpIndex i = s.next; i < streams.size(); ++i) {
      const bool first = !std::exchange(seen[lane(streams[i])], true);
      if (!first && streams[i] != Stream::pipeline) continue;
      const Op& op = s.program->op(i);
      if (op.kind == OpKind::receive) {
        if (first) seen[lane(op.stream)] = false;  // it takes no part in its lane
        const auto found = messages_.find(message_key(peer(rank, op.group), rank, op.message));
        if (found != messages_.end()) out_.task_of[rank.index()][i] = found->second;
        continue;
      }
      if (!first) continue;
      const auto waits = s.program->dependencies(i);
      const auto is_there = [&](OpIndex d) { return out_.task_of[rank.index()][d].valid(); };
      if (!std::all_of(waits.begin(), waits.end(), is_there)) continue;
      out_.graph.add_compute(rank, sim::Time::zero(), predecessors(rank, i), {});
      out_.origins.push_back({rank, i});
      const auto rest = options_.beginning->rest(fleet_.ranks[rank.index()].stage, i);
      out_.left_out.push_back(op.stream == Stream::compute ? rest : sim::Time::zero());
    }
  }

  RankState& state(RankId rank) { return states_[rank.index()]; }
  bool done(RankId rank) { return state(rank).next == state(rank).program->size(); }

  // Emits the next operation of a rank; false when it must wait for another rank first.
  bool step(RankId rank) {
    RankState& s = state(rank);
    const OpIndex index = s.next;
    const Op& op = s.program->op(index);
    switch (op.kind) {
      case OpKind::compute:
        record(rank, index, compute(rank, op));
        break;
      case OpKind::send:
        record(rank, index, send(rank, op));
        break;
      case OpKind::receive: {
        const auto found = messages_.find(message_key(peer(rank, op.group), rank, op.message));
        if (found == messages_.end()) return false;
        record(rank, index, found->second);
        break;
      }
      case OpKind::collective:
        if (fleet_.group(rank, op.group) == nullptr) {  // alone: nothing to exchange
          record(rank, index, join(rank, index));
        } else if (!meet(rank, index, op)) {
          return false;
        }
        return true;
    }
    return true;
  }

  void record(RankId rank, OpIndex index, TaskId task) {
    RankState& s = state(rank);
    const Op& op = s.program->op(index);
    out_.task_of[rank.index()][index] = task;
    if (op.kind != OpKind::receive) s.last[lane(op.stream)] = task;
    hosts_.issued(rank, index, op, task);
    s.next = index + 1;
  }

  // What runs in order: a stream, or two that share what moves their data.
  std::size_t lane(Stream stream) const {
    const bool shared = implementation_.serial_data_collectives && stream == Stream::reduce;
    return static_cast<std::size_t>(shared ? Stream::gather : stream);
  }

  // Dependencies and the stream's previous task.
  std::span<const TaskId> predecessors(RankId rank, OpIndex index) {
    RankState& s = state(rank);
    scratch_.clear();
    const TaskId previous = s.last[lane(s.program->op(index).stream)];
    if (previous.valid()) scratch_.push_back(previous);
    for (OpIndex dependency : s.program->dependencies(index)) {
      const TaskId task = out_.task_of[rank.index()][dependency];
      if (task.valid() && task != previous) scratch_.push_back(task);
    }
    return scratch_;
  }

  sim::HostIssue issue(RankId rank, const Op& op) {
    RankState& s = state(rank);
    return hosts_.issue({rank, s.next}, op, s.last[static_cast<std::size_t>(Stream::compute)]);
  }

  TaskId compute(RankId rank, const Op& op) {
    const double stretch = options_.compute_stretch * fleet_.ranks[rank.index()].slowdown;
    const sim::Time duration =
        stretch == 1.0 ? op.duration : sim::Time::from_seconds(op.duration.seconds() * stretch);
    const auto before = predecessors(rank, state(rank).next);
    const TaskId task = out_.graph.add_compute(rank, duration, before, issue(rank, op));
    out_.origins.push_back({rank, state(rank).next});
    return task;
  }

  // What stands for a collective that nobody else takes part in.
  TaskId join(RankId rank, OpIndex index) {
    const auto before = predecessors(rank, index);
    const TaskId task = out_.graph.add_compute(rank, sim::Time::zero(), before, {});
    out_.origins.push_back({rank, index});
    return task;
  }

  RankId peer(RankId rank, GroupKind kind) {
    const Group* group = fleet_.group(rank, kind);
    SIM_EXPECTS(group != nullptr && group->participants.size() == 2, "no such neighbour stage");
    return group->participants[1];
  }

  static std::tuple<std::uint32_t, std::uint32_t, std::uint64_t> message_key(
      RankId from, RankId to, std::uint64_t message) {
    return {from.value(), to.value(), message};
  }

  TaskId send(RankId rank, const Op& op) {
    const Group& group = *fleet_.group(rank, op.group);
    const auto before = predecessors(rank, state(rank).next);
    const sim::Transfer transfer = prices_.transfer(group, op, overlap_slowdown(op));
    const TaskId task = out_.graph.add_transfer(transfer, before, issue(rank, op));
    out_.origins.push_back({rank, state(rank).next});
    messages_[message_key(rank, group.participants[1], op.message)] = task;
    return task;
  }

  double overlap_slowdown(const Op& op) const {
    return op.overlapped ? implementation_.overlap_slowdown : 0.0;
  }

  // Joins a collective. The last member to arrive emits it; the others wait until then.
  bool meet(RankId rank, OpIndex index, const Op& op) {
    RankState& s = state(rank);
    const auto kind = static_cast<std::size_t>(op.group);
    const auto group_index = fleet_.ranks[rank.index()].group[kind];
    const Group& group = fleet_.groups[group_index];
    if (group.participants.size() == 1) {
      const auto before = predecessors(rank, index);
      record(rank, index, start(group, op, before, issue(rank, op), {rank, index}));
      return true;
    }
    const auto key = std::make_pair(group_index, s.collectives[kind]);
    Meeting& meeting = meetings_[key];
    if (!waits_at(meeting, rank)) {
      const auto before = predecessors(rank, index);
      meeting.predecessors.insert(meeting.predecessors.end(), before.begin(), before.end());
      hosts_.meet(meeting.host, meeting.predecessors, {rank, index}, issue(rank, op));
      meeting.waiting.push_back({rank, index});
      ++meeting.arrived;
    }
    if (meeting.arrived < group.participants.size()) return false;
    const TaskId task = start(group, op, meeting.predecessors, *meeting.host, {rank, index});
    for (const TaskOrigin& member : meeting.waiting) {
      record(member.rank, member.op, task);
      ++state(member.rank).collectives[kind];
    }
    meetings_.erase(key);
    return true;
  }

  TaskId start(const Group& group, const Op& op, std::span<const TaskId> before,
               const sim::HostIssue& host, TaskOrigin origin) {
    if (expansion_ && !is_with_host(group.kind)) {
      return expansion_->collective(group, op, before, host, origin);
    }
    const sim::Transfer transfer = prices_.transfer(group, op, overlap_slowdown(op));
    const TaskId task = out_.graph.add_transfer(transfer, before, host);
    out_.origins.push_back(origin);
    return task;
  }

  static bool waits_at(const Meeting& meeting, RankId rank) {
    return std::any_of(meeting.waiting.begin(), meeting.waiting.end(),
                       [&](const TaskOrigin& member) { return member.rank == rank; });
  }

  [[noreturn]] void fail() {
    std::string text = "the step can never finish:";
    int named = 0;
    for (std::size_t r = 0; r < states_.size() && named < 8; ++r) {
      const RankId rank{r};
      if (done(rank)) continue;
      const Op& op = state(rank).program->op(state(rank).next);
      text += fmt::format(" rank {} waits at {} (chunk {}, micro-batch {});", fleet_.ranks[r].rank,
                          op.name, op.chunk, op.micro_batch);
      ++named;
    }
    throw sim::ContractViolation(text);
  }

  const Fleet& fleet_;
  const Implementation& implementation_;
  const LowerOptions& options_;
  LoweredStep out_;
  TransferPrices prices_;
  Hosts hosts_;
  std::optional<Expansion> expansion_;  // in the step fidelity only
  std::vector<RankState> states_;
  std::size_t most_tasks_ = SIZE_MAX;  // then only as much of the step
  std::vector<TaskId> scratch_;
  std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint64_t>, TaskId> messages_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, Meeting> meetings_;
};

}  // namespace

LoweredStep lower(const std::vector<Program>& programs, const Fleet& fleet, const Network& network,
                  const Implementation& implementation, const LowerOptions& options) {
  return Lowering(programs, fleet, network, implementation, options).run();
}

}  // namespace strategies
