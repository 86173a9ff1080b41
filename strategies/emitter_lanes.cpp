// Lanes of the emitter: passes written one after the other, carried out side by side.
#include <algorithm>

#include "sim/contracts.hpp"
#include "strategies/emitter.hpp"

namespace strategies {
namespace {

constexpr OpIndex kDraft = UINT32_MAX;

// After it a pass has nothing to compute until the operation has finished.
bool blocks(const Op& op) {
  return op.kind == OpKind::receive || (op.kind == OpKind::collective && !op.overlapped);
}

}  // namespace

OpIndex Emitter::append(const Op& op, std::span<const OpIndex> dependencies) {
  const auto ticket = static_cast<OpIndex>(position_.size());
  position_.push_back(kDraft);
  if (lanes_.empty()) {
    write(op, dependencies, ticket);
  } else {
    lanes_.back().drafts.push_back({op, {dependencies.begin(), dependencies.end()}, ticket});
  }
  return ticket;
}

void Emitter::memory(sim::MemoryCategory category, std::int64_t bytes) {
  if (lanes_.empty()) {
    program_.memory(category, bytes);
  } else {
    Lane& lane = lanes_.back();
    lane.memory.push_back({static_cast<OpIndex>(lane.drafts.size()), category, bytes});
  }
}

void Emitter::begin_lane() {
  flush();
  if (lanes_.empty()) before_lanes_ = last_compute_;
  last_compute_ = before_lanes_;
  lanes_.emplace_back();
}

void Emitter::end_lanes() {
  flush();
  std::vector<Lane> lanes = std::move(lanes_);
  lanes_.clear();
  last_compute_ = before_lanes_;
  for (bool progress = true; progress;) {
    progress = false;
    for (Lane& lane : lanes) progress = advance(lane) || progress;
  }
  for (const Lane& lane : lanes) {
    SIM_EXPECTS(lane.next == lane.drafts.size(), "lanes wait for each other");
  }
}

// Writes a lane up to and including its next blocking communication.
bool Emitter::advance(Lane& lane) {
  bool progress = false;
  while (true) {
    while (lane.next_memory < lane.memory.size() &&
           lane.memory[lane.next_memory].position <= lane.next) {
      const MemoryEvent& event = lane.memory[lane.next_memory++];
      program_.memory(event.category, event.bytes);
    }
    if (lane.next == lane.drafts.size() || !placed(lane.drafts[lane.next])) return progress;
    Draft& draft = lane.drafts[lane.next++];
    const bool turn = blocks(draft.op);
    draft.op.overlapped = draft.op.overlapped || draft.op.kind == OpKind::collective;
    write(draft.op, draft.dependencies, draft.ticket);
    if (draft.op.kind == OpKind::compute) last_compute_ = draft.ticket;
    progress = true;
    if (turn) return progress;
  }
}

// Whether everything that a draft waits for is in the program.
bool Emitter::placed(const Draft& draft) const {
  return std::all_of(draft.dependencies.begin(), draft.dependencies.end(),
                     [&](OpIndex ticket) { return position_[ticket] != kDraft; });
}

void Emitter::write(const Op& op, std::span<const OpIndex> dependencies, OpIndex ticket) {
  scratch_.clear();
  for (const OpIndex dependency : dependencies) scratch_.push_back(position_[dependency]);
  position_[ticket] = program_.append(op, scratch_);
}

}  // namespace strategies
