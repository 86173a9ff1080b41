#include "strategies/program.hpp"

#include <array>
#include <cstdlib>

#include "sim/contracts.hpp"

namespace strategies {

std::string_view name(Activity activity) {
  constexpr std::array<std::string_view, kActivities> names{
      "forward", "backward", "weight gradient", "recompute", "optimizer", "other", "tp", "cp", "ep",
      "pp",      "dp",       "offload"};
  return names[static_cast<std::size_t>(activity)];
}

OpIndex Program::append(const Op& op, std::span<const OpIndex> dependencies) {
  for (OpIndex dependency : dependencies) {
    SIM_EXPECTS(dependency < ops_.size(), "an operation can only depend on earlier ones");
  }
  ops_.push_back(op);
  streams_.push_back(op.stream);
  deps_.insert(deps_.end(), dependencies.begin(), dependencies.end());
  dep_begin_.push_back(static_cast<std::uint32_t>(deps_.size()));
  return static_cast<OpIndex>(ops_.size() - 1);
}

void Program::reserve(std::size_t operations) {
  ops_.reserve(operations);
  streams_.reserve(operations);
  dep_begin_.reserve(operations + 1);
}

void Program::memory(sim::MemoryCategory category, std::int64_t bytes) {
  if (bytes != 0) memory_.push_back({static_cast<OpIndex>(ops_.size()), category, bytes});
}

std::span<const OpIndex> Program::dependencies(OpIndex index) const {
  return std::span(deps_).subspan(dep_begin_[index], dep_begin_[index + 1] - dep_begin_[index]);
}

sim::MemoryLedger replay_memory(const Program& program) {
  sim::MemoryLedger ledger;
  for (const MemoryEvent& event : program.memory_events()) {
    const sim::Bytes amount{std::abs(event.bytes)};
    if (event.bytes >= 0) {
      ledger.allocate(event.category, amount, event.position);
    } else {
      ledger.free(event.category, amount);
    }
  }
  return ledger;
}

}  // namespace strategies
