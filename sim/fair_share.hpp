// Weighted max-min fair sharing of links (Bertsekas & Gallager, Data Networks, 2nd ed., 6.5.2).
//
// Flows come in classes: flows with the same link uses and the same rate cap, which always have the
// same rate. The rate r of a flow (bytes/s on a link of weight 1) is the largest that progressive
// filling gives it under
//     sum over flows of weight(f, l) * r(f) <= capacity(l)   and   r(f) <= cap(f).
// Only the connected component that a change touches is solved again: classes joined by tight
// links, those that would not carry all their flows at their caps. The others hold nobody back.
// Not even that where the certificate of the old rates holds on (fair_share_quick.cpp).
// Links that the same classes load alike are one, as scarce as the scarcest.
//
// Arithmetic is symmetric: all links and classes that reach the same level are frozen in one round,
// their weights are summed first (exact: weights are multiples of 2^-20) and a link pays
// level * weight once a round. Hence k equal flows have bit for bit the rate of one flow with
// weight k, and nothing depends on the order of flows or on other components.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/ids.hpp"
#include "sim/task_graph.hpp"

namespace sim {

using UsedLinkId = Id<struct UsedLinkTag>;  // links that the same classes load alike

class FairShare {
 public:
  // REQUIRES: every class uses a link, and every used link has a positive capacity.
  FairShare(const IdVector<LinkId, Link>& links, std::span<const FlowClass> classes);

  void add(FlowClassId id);  // one more flow of the class is active
  void remove(FlowClassId id);

  // Solves what changed since the last call; the classes with active flows whose rate is now
  // another. Valid until the next call.
  std::span<const FlowClassId> solve();

  double rate(FlowClassId id) const { return classes_[id].rate; }  // 0 while inactive
  std::uint32_t active(FlowClassId id) const { return classes_[id].active; }

  // Asserts, for the classes that the last solve() was about, that none of their links exceeds its
  // capacity and that each is held by its cap or by a full link on which no class is faster (the
  // max-min certificate). How many classes and links it was about.
  std::size_t check_laws() const;

  // Largest component that is solved by scanning instead of with a heap; for tests and benchmarks.
  void set_scan_limit(std::size_t classes) { scan_limit_ = classes; }

 private:
  static constexpr std::uint32_t kNone = 0xffff'ffffU;
  // A link whose demand is below this part of its capacity is never the fullest of a round, however
  // rounding falls: its level stays above the least cap of its classes.
  static constexpr double kLoose = 1.0 - 1e-6;

  struct ClassState {
    std::uint32_t first_slot = 0;  // its slots are [first_slot, last_slot)
    std::uint32_t last_slot = 0;
    std::uint32_t active = 0;
    std::uint32_t seen = 0;  // epoch of the last visit
    bool fresh = false;      // has gained a flow since the last solve()
    double cap = 0.0;        // infinity if none
    double rate = 0.0;
    double next_rate = 0.0;  // negative while not frozen
  };
  struct Slot {  // one link use of one class, in the list of the active classes of its link
    UsedLinkId link;
    FlowClassId owner;
    std::uint32_t next = kNone;
    std::uint32_t previous = kNone;
    double weight = 0.0;
  };
  struct LinkState {
    double capacity = 0.0;
    double demand = 0.0;         // what its active flows would take at their caps
    std::uint32_t uncapped = 0;  // flows among them without a cap
    bool tight = false;          // as of the last solve()
    double left = 0.0;           // capacity not yet given to frozen flows
    double weight = 0.0;         // of the flows not yet frozen
    double freezing = 0.0;       // weight that freezes in this round
    double level = 0.0;          // left / weight
    std::uint32_t head = kNone;
    std::uint32_t seen = 0;
    bool dirty = false;
  };
  struct HeapEntry {
    double level;
    UsedLinkId link;
  };

  struct Departure {  // of the last flow of a class
    FlowClassId id;
    double rate;
  };
  struct Load {  // of a class, on a link
    double level;
    double weight;
    auto operator<=>(const Load&) const = default;
  };
  struct Offer {  // of a link to a newcomer
    double level;
    double fastest;  // rate of the others on it
  };

  static bool is_tight(const LinkState& link) {
    return link.uncapped > 0 || link.demand > link.capacity * kLoose;
  }
  bool solve_quickly();
  bool may_leave(const Departure& departure);
  double rate_of_newcomer(FlowClassId id);
  void collect_loads(const LinkState& link, FlowClassId except);
  double left_by_loads(double capacity) const;
  double load_of_departures(UsedLinkId link);
  std::span<Slot> slots(FlowClassId id);
  std::span<const UsedLinkId> component_links() const;
  std::span<const FlowClassId> component_classes() const;

  void merge_links(const IdVector<LinkId, Link>& links, std::span<const FlowClass> classes);
  void index_slots(std::span<const FlowClass> classes);
  void change_demand(FlowClassId id, double flows);
  void update_tightness(bool with_seeds);
  void collect_component(FlowClassId seed);
  void visit_class(FlowClassId id);
  void visit_link(UsedLinkId id);
  void solve_component();
  void solve_single(FlowClassId id);
  void solve_scanning();
  void solve_with_heap();
  void freeze(FlowClassId id, double level);
  void freeze_link(UsedLinkId link, double level);
  void settle_round(double level);
  double least_level_in_heap();
  void publish();
  void check_link(const LinkState& link) const;
  void check_class(const ClassState& state) const;

  IdVector<FlowClassId, ClassState> classes_;
  IdVector<UsedLinkId, LinkState> links_;
  std::vector<Slot> slots_;
  std::vector<UsedLinkId> dirty_links_;
  std::vector<UsedLinkId> settled_links_;  // those that were dirty, for check_laws()
  std::vector<FlowClassId> joined_;        // classes that have gained their first flow,
  std::vector<Departure> left_;            // or lost their last one, since the last solve()
  bool is_compound_ = false;               // more happened since than that
  std::vector<Load> loads_;
  std::vector<Offer> offers_;
  std::vector<FlowClassId> seeds_;           // classes whose component may have other rates now
  std::vector<UsedLinkId> solved_links_;     // of every component since solve() began;
  std::vector<FlowClassId> solved_classes_;  // the current one starts at the two indices below
  std::size_t component_link_begin_ = 0;
  std::size_t component_class_begin_ = 0;
  std::size_t unfrozen_ = 0;               // classes of the component without a rate yet
  std::vector<UsedLinkId> touched_links_;  // whose flows freeze in this round
  std::vector<UsedLinkId> level_links_;    // that are full in this round
  std::vector<HeapEntry> heap_;            // lower bounds of link levels
  std::vector<FlowClassId> by_cap_;
  std::vector<FlowClassId> changed_;
  std::uint32_t epoch_ = 0;
  std::size_t scan_limit_ = 128;
};

}  // namespace sim
