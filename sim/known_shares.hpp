// Fair shares that remember. Flows of a training step come and go in few combinations, over and
// over, and rates depend on nothing but which flows are active (fair_share.hpp): each combination
// is solved once, and found in a table when it comes back.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/fair_share.hpp"
#include "sim/ids.hpp"

namespace sim {

class KnownShares {
 public:
  // REQUIRES: as FairShare.
  KnownShares(const IdVector<LinkId, Link>& links, std::span<const FlowClass> classes);

  void add(FlowClassId id);  // one more flow of the class is active
  void remove(FlowClassId id);

  // The classes with active flows whose rate is now another than when they last had any, and
  // perhaps others, in no order that means anything. Valid until the next call.
  std::span<const FlowClassId> solve();

  // REQUIRES: as of the last solve() the class has active flows.
  double rate(FlowClassId id) const { return remembers_ ? rates_[id] : solver_.rate(id); }

  // As FairShare::check_laws(); what was remembered must be what would be solved now, to the bit.
  std::size_t check_laws();

  // For tests: how many combinations have been solved.
  std::size_t solved() const { return solved_; }

 private:
  // Combinations of more classes than this seldom come back.
  static constexpr std::size_t kMostClasses = 128;
  static constexpr int kPlaceBits = 12;  // a combination has one place; the last to need it has it
  static constexpr std::size_t kMostShares = std::size_t{1} << 18;  // then all is forgotten

  struct Share {  // of a class with active flows
    FlowClassId id;
    std::uint32_t active = 0;
    double rate = 0.0;
  };
  struct Place {  // of a combination: where its shares lie
    std::uint32_t begin = 0, end = 0;
  };

  std::span<const Share> shares();
  bool are_of_now(std::span<const Share> shares) const;
  void remember(Place& place);
  void catch_up();

  FairShare solver_;
  bool remembers_ = false;
  bool has_changed_ = false;           // since the last solve()
  std::vector<std::uint32_t> active_;  // per class, flows
  std::size_t active_classes_ = 0;
  IdVector<FlowClassId, double> rates_;
  std::vector<std::uint64_t> factors_;  // per class: how it counts in the signature
  std::uint64_t signature_ = 0;         // of the active flows
  std::vector<Place> places_;           // by the signature's first bits
  std::vector<Share> known_;
  std::vector<FlowClassId> changed_;
  std::size_t solved_ = 0;
};

}  // namespace sim
