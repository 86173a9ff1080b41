// Changes that leave every other rate as it is: most of those of a step, whose flows come and go
// on links that hold nobody else back. Told by the certificate of max-min: a flow that joins is
// right if it has its cap, or the greatest rate of a full link; one that leaves changes nothing if
// no other has its greatest rate on a full link that it leaves.
#include <algorithm>

#include "sim/fair_share.hpp"

namespace sim {
namespace {

// Levels closer than this (relative) are left to the solver, whose rounding decides.
constexpr double kApart = 1.0 - 1e-9;

}  // namespace

// Solves the changes since the last call, one by one, if each is of that kind. If not, leaves
// everything as it was.
bool FairShare::solve_quickly() {
  if (is_compound_) return false;
  for (const Departure& departure : left_)
    if (!may_leave(departure)) return false;
  std::size_t set = 0;
  for (; set < joined_.size(); ++set) {
    ClassState& state = classes_[joined_[set]];
    if (state.active == 0 || state.rate > 0.0) continue;  // gone again, or twice in the list
    const double rate = rate_of_newcomer(joined_[set]);
    if (rate <= 0.0) break;
    state.rate = rate;
    changed_.push_back(joined_[set]);
  }
  if (set == joined_.size()) return true;
  for (const FlowClassId id : changed_) classes_[id].rate = 0.0;
  changed_.clear();
  return false;
}

// Others on a link with the rates they have; those that are yet to join have none.
void FairShare::collect_loads(const LinkState& link, FlowClassId except) {
  loads_.clear();
  for (std::uint32_t s = link.head; s != kNone; s = slots_[s].next) {
    const ClassState& other = classes_[slots_[s].owner];
    if (slots_[s].owner != except && other.rate > 0.0)
      loads_.push_back({other.rate, slots_[s].weight * other.active});
  }
  std::sort(loads_.begin(), loads_.end());
}

// What flows with the given rates leave of a link, as the rounds of the solver take it.
double FairShare::left_by_loads(double capacity) const {
  double left = capacity;
  for (std::size_t i = 0; i < loads_.size();) {
    const double level = loads_[i].level;
    double weight = 0.0;
    for (; i < loads_.size() && loads_[i].level == level; ++i) weight += loads_[i].weight;
    left -= level * weight;
  }
  return left;
}

double FairShare::load_of_departures(UsedLinkId link) {
  double sum = 0.0;
  for (const Departure& departure : left_)
    for (const Slot& slot : slots(departure.id))
      if (slot.link == link) sum += departure.rate * slot.weight;
  return sum;
}

bool FairShare::may_leave(const Departure& departure) {
  for (const Slot& slot : slots(departure.id)) {
    const LinkState& link = links_[slot.link];
    if (!link.tight || departure.rate == 0.0) continue;
    collect_loads(link, departure.id);
    if (loads_.empty() || loads_.back().level < departure.rate * kApart) continue;
    const double left = left_by_loads(link.capacity) - load_of_departures(slot.link);
    if (left < link.capacity * (1.0 - kApart)) return false;
  }
  return true;
}

// The rate of a class that has gained its first flow; 0 if others would have to give way.
double FairShare::rate_of_newcomer(FlowClassId id) {
  double rate = classes_[id].cap;
  offers_.clear();
  for (const Slot& slot : slots(id)) {
    const LinkState& link = links_[slot.link];
    if (!is_tight(link)) continue;
    collect_loads(link, id);
    const double level = left_by_loads(link.capacity) / slot.weight;
    offers_.push_back({level, loads_.empty() ? 0.0 : loads_.back().level});
    rate = std::min(rate, level);
  }
  const bool yields = std::any_of(offers_.begin(), offers_.end(), [&](const Offer& offer) {
    return offer.level * kApart <= rate && offer.fastest >= rate * kApart;
  });
  return yields ? 0.0 : rate;
}

}  // namespace sim
