// The laws that a solution of fair shares has to keep.
#include <algorithm>

#include "sim/contracts.hpp"
#include "sim/fair_share.hpp"

namespace sim {
namespace {

constexpr double kTolerance = 1e-9;  // relative; the solver itself uses none

}  // namespace

void FairShare::check_link(const LinkState& link) const {
  double used = 0.0;
  for (std::uint32_t s = link.head; s != kNone; s = slots_[s].next) {
    const ClassState& state = classes_[slots_[s].owner];
    used += state.rate * slots_[s].weight * state.active;
  }
  SIM_EXPECTS(used <= link.capacity * (1.0 + kTolerance), "no link is over its capacity");
}

void FairShare::check_class(const ClassState& state) const {
  if (state.rate >= state.cap) {
    SIM_EXPECTS(state.rate == state.cap, "no flow is faster than its cap");
    return;
  }
  for (std::uint32_t i = state.first_slot; i < state.last_slot; ++i) {
    const LinkState& link = links_[slots_[i].link];
    double used = 0.0;
    double fastest = 0.0;
    for (std::uint32_t s = link.head; s != kNone; s = slots_[s].next) {
      const ClassState& other = classes_[slots_[s].owner];
      used += other.rate * slots_[s].weight * other.active;
      fastest = std::max(fastest, other.rate);
    }
    const bool full = used >= link.capacity * (1.0 - kTolerance);
    if (full && state.rate >= fastest * (1.0 - kTolerance)) return;
  }
  SIM_EXPECTS(false, "every flow is held by its cap or by a full link on which none is faster");
}

std::size_t FairShare::check_laws() const {
  for (const FlowClassId id : solved_classes_) {
    const ClassState& state = classes_[id];
    for (std::uint32_t i = state.first_slot; i < state.last_slot; ++i)
      check_link(links_[slots_[i].link]);
    check_class(state);
  }
  for (const UsedLinkId id : settled_links_) {
    check_link(links_[id]);
    for (std::uint32_t s = links_[id].head; s != kNone; s = slots_[s].next)
      check_class(classes_[slots_[s].owner]);
  }
  return solved_classes_.size() + settled_links_.size();
}

}  // namespace sim
