#include "sim/fair_share.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "sim/contracts.hpp"

namespace sim {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

std::span<FairShare::Slot> FairShare::slots(FlowClassId id) {
  const ClassState& state = classes_[id];
  return {slots_.data() + state.first_slot, slots_.data() + state.last_slot};
}

std::span<const UsedLinkId> FairShare::component_links() const {
  return std::span{solved_links_}.subspan(component_link_begin_);
}

std::span<const FlowClassId> FairShare::component_classes() const {
  return std::span{solved_classes_}.subspan(component_class_begin_);
}

void FairShare::add(FlowClassId id) {
  ClassState& state = classes_[id];
  if (state.active++ == 0) {
    for (std::uint32_t i = state.first_slot; i < state.last_slot; ++i) {
      Slot& slot = slots_[i];
      LinkState& link = links_[slot.link];
      slot.previous = kNone;
      slot.next = link.head;
      if (link.head != kNone) slots_[link.head].previous = i;
      link.head = i;
    }
    joined_.push_back(id);
  } else {
    is_compound_ = true;
  }
  if (!state.fresh) {
    state.fresh = true;
    seeds_.push_back(id);
  }
  change_demand(id, 1.0);
}

void FairShare::remove(FlowClassId id) {
  ClassState& state = classes_[id];
  SIM_EXPECTS(state.active > 0, "only an active flow is removed");
  if (--state.active > 0) is_compound_ = true;
  if (state.active == 0) {
    left_.push_back({id, std::exchange(state.rate, 0.0)});
    for (const Slot& slot : slots(id)) {
      if (slot.previous != kNone)
        slots_[slot.previous].next = slot.next;
      else
        links_[slot.link].head = slot.next;
      if (slot.next != kNone) slots_[slot.next].previous = slot.previous;
    }
  }
  change_demand(id, -1.0);
}

void FairShare::change_demand(FlowClassId id, double flows) {
  const ClassState& state = classes_[id];
  const bool capped = state.cap != kInfinity;
  for (const Slot& slot : slots(id)) {
    LinkState& link = links_[slot.link];
    if (capped) link.demand += flows * slot.weight * state.cap;
    if (!capped) link.uncapped += flows > 0.0 ? 1U : ~0U;
    if (link.head == kNone) link.demand = 0.0;  // rounding does not pile up
    if (link.dirty) continue;
    link.dirty = true;
    dirty_links_.push_back(slot.link);
  }
}

std::span<const FlowClassId> FairShare::solve() {
  changed_.clear();
  solved_links_.clear();
  solved_classes_.clear();
  settled_links_.clear();
  if (dirty_links_.empty()) return changed_;  // no flow has come or gone
  ++epoch_;
  const bool solved = solve_quickly();
  joined_.clear();
  left_.clear();
  is_compound_ = false;
  update_tightness(!solved);
  for (const FlowClassId seed : seeds_) {
    ClassState& state = classes_[seed];
    state.fresh = false;
    if (solved || state.active == 0 || state.seen == epoch_) continue;
    collect_component(seed);
    solve_component();
    publish();
  }
  seeds_.clear();
  return changed_;
}

// A link that was tight held its classes back: without what left it they may be faster.
void FairShare::update_tightness(bool with_seeds) {
  for (const UsedLinkId id : dirty_links_) {
    LinkState& link = links_[id];
    link.dirty = false;
    if (link.tight && with_seeds) {
      for (std::uint32_t s = link.head; s != kNone; s = slots_[s].next)
        seeds_.push_back(slots_[s].owner);
    }
    link.tight = is_tight(link);
  }
  std::swap(settled_links_, dirty_links_);
}

void FairShare::visit_link(UsedLinkId id) {
  LinkState& link = links_[id];
  if (link.seen == epoch_) return;
  link.seen = epoch_;
  link.left = link.capacity;
  link.weight = 0.0;
  link.freezing = 0.0;
  solved_links_.push_back(id);
}

void FairShare::visit_class(FlowClassId id) {
  ClassState& state = classes_[id];
  if (state.seen == epoch_) return;
  state.seen = epoch_;
  state.next_rate = -1.0;
  solved_classes_.push_back(id);
  for (const Slot& slot : slots(id)) {
    if (links_[slot.link].tight) visit_link(slot.link);
  }
}

void FairShare::collect_component(FlowClassId seed) {
  component_link_begin_ = solved_links_.size();
  component_class_begin_ = solved_classes_.size();
  visit_class(seed);
  for (std::size_t i = component_link_begin_; i < solved_links_.size(); ++i) {
    const UsedLinkId id = solved_links_[i];
    double weight = 0.0;
    for (std::uint32_t s = links_[id].head; s != kNone; s = slots_[s].next) {
      visit_class(slots_[s].owner);
      weight += slots_[s].weight * classes_[slots_[s].owner].active;
    }
    links_[id].weight = weight;
    links_[id].level = links_[id].capacity / weight;
  }
}

void FairShare::solve_component() {
  unfrozen_ = component_classes().size();
  if (unfrozen_ == 1)
    solve_single(component_classes().front());
  else if (unfrozen_ <= scan_limit_)
    solve_scanning();
  else
    solve_with_heap();
}

void FairShare::solve_single(FlowClassId id) {
  double rate = classes_[id].cap;
  for (const UsedLinkId link : component_links()) rate = std::min(rate, links_[link].level);
  classes_[id].next_rate = rate;
}

void FairShare::freeze(FlowClassId id, double level) {
  ClassState& state = classes_[id];
  if (state.next_rate >= 0.0) return;
  state.next_rate = level;
  --unfrozen_;
  for (const Slot& slot : slots(id)) {
    LinkState& link = links_[slot.link];
    if (!link.tight) continue;
    if (link.freezing == 0.0) touched_links_.push_back(slot.link);
    link.freezing += slot.weight * state.active;
  }
}

void FairShare::freeze_link(UsedLinkId link, double level) {
  for (std::uint32_t s = links_[link].head; s != kNone; s = slots_[s].next)
    freeze(slots_[s].owner, level);
}

// Levels never fall while filling; the clamp only keeps rounding from saying otherwise.
void FairShare::settle_round(double level) {
  for (const UsedLinkId id : touched_links_) {
    LinkState& link = links_[id];
    link.left -= level * link.freezing;
    link.weight -= link.freezing;
    link.freezing = 0.0;
    link.level = link.weight > 0.0 ? std::max(level, link.left / link.weight) : kInfinity;
  }
  touched_links_.clear();
}

void FairShare::solve_scanning() {
  while (unfrozen_ > 0) {
    double level = kInfinity;
    for (const UsedLinkId link : component_links()) level = std::min(level, links_[link].level);
    for (const FlowClassId id : component_classes())
      if (classes_[id].next_rate < 0.0) level = std::min(level, classes_[id].cap);
    for (const UsedLinkId link : component_links())
      if (links_[link].level == level) freeze_link(link, level);
    for (const FlowClassId id : component_classes())
      if (classes_[id].cap == level) freeze(id, level);
    settle_round(level);
  }
}

// Heap entries are lower bounds, since levels only rise: an outdated one is raised when it
// surfaces.
double FairShare::least_level_in_heap() {
  const auto later = [](const HeapEntry& a, const HeapEntry& b) { return a.level > b.level; };
  while (!heap_.empty()) {
    const double level = links_[heap_.front().link].level;
    if (level == heap_.front().level) return level;
    std::pop_heap(heap_.begin(), heap_.end(), later);
    if (level == kInfinity) {
      heap_.pop_back();
    } else {
      heap_.back().level = level;
      std::push_heap(heap_.begin(), heap_.end(), later);
    }
  }
  return kInfinity;
}

void FairShare::solve_with_heap() {
  const auto later = [](const HeapEntry& a, const HeapEntry& b) { return a.level > b.level; };
  heap_.clear();
  for (const UsedLinkId link : component_links()) heap_.push_back({links_[link].level, link});
  std::make_heap(heap_.begin(), heap_.end(), later);
  by_cap_.assign(component_classes().begin(), component_classes().end());
  std::erase_if(by_cap_, [&](FlowClassId id) { return classes_[id].cap == kInfinity; });
  std::sort(by_cap_.begin(), by_cap_.end(),
            [&](FlowClassId a, FlowClassId b) { return classes_[a].cap < classes_[b].cap; });
  auto capped = by_cap_.begin();
  while (unfrozen_ > 0) {
    while (capped != by_cap_.end() && classes_[*capped].next_rate >= 0.0) ++capped;
    const double cap = capped != by_cap_.end() ? classes_[*capped].cap : kInfinity;
    const double level = std::min(cap, least_level_in_heap());
    level_links_.clear();
    while (least_level_in_heap() == level) {
      std::pop_heap(heap_.begin(), heap_.end(), later);
      level_links_.push_back(heap_.back().link);
      heap_.pop_back();
    }
    for (const UsedLinkId link : level_links_) freeze_link(link, level);
    for (; capped != by_cap_.end() && classes_[*capped].cap == level; ++capped)
      freeze(*capped, level);
    settle_round(level);
  }
}

void FairShare::publish() {
  for (const FlowClassId id : component_classes()) {
    ClassState& state = classes_[id];
    if (state.rate == state.next_rate) continue;
    state.rate = state.next_rate;
    changed_.push_back(id);
  }
}

}  // namespace sim
