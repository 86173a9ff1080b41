#include "sim/known_shares.hpp"

#include <algorithm>

#include "sim/contracts.hpp"

namespace sim {
namespace {

// Scatters numbers over 64 bits (SplitMix64; Steele, Lea & Flood, OOPSLA 2014).
std::uint64_t scatter(std::uint64_t number) {
  std::uint64_t z = (number + 1) * 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

}  // namespace

KnownShares::KnownShares(const IdVector<LinkId, Link>& links, std::span<const FlowClass> classes)
    : solver_(links, classes), remembers_(classes.size() <= kMostClasses) {
  if (!remembers_) return;
  active_.resize(classes.size());
  rates_.resize(classes.size());
  for (std::size_t c = 0; c < classes.size(); ++c) factors_.push_back(scatter(c));
  places_.resize(std::size_t{1} << kPlaceBits);
}

void KnownShares::add(FlowClassId id) {
  if (!remembers_) return solver_.add(id);
  if (active_[id.index()]++ == 0) ++active_classes_;
  signature_ += factors_[id.index()];
  has_changed_ = true;
}

void KnownShares::remove(FlowClassId id) {
  if (!remembers_) return solver_.remove(id);
  SIM_EXPECTS(active_[id.index()] > 0, "only an active flow is removed");
  if (--active_[id.index()] == 0) --active_classes_;
  signature_ -= factors_[id.index()];
  has_changed_ = true;
}

std::span<const FlowClassId> KnownShares::solve() {
  if (!remembers_) return solver_.solve();
  changed_.clear();
  if (!has_changed_) return changed_;
  has_changed_ = false;
  for (const Share& share : shares()) {
    if (rates_[share.id] == share.rate) continue;
    rates_[share.id] = share.rate;
    changed_.push_back(share.id);
  }
  return changed_;
}

// Of all classes with active flows.
std::span<const KnownShares::Share> KnownShares::shares() {
  Place& place = places_[signature_ >> (64 - kPlaceBits)];
  const auto known = std::span(known_).subspan(place.begin, place.end - place.begin);
  if (are_of_now(known)) return known;
  remember(place);
  return std::span(known_).subspan(place.begin, place.end - place.begin);
}

bool KnownShares::are_of_now(std::span<const Share> shares) const {
  return shares.size() == active_classes_ &&
         std::all_of(shares.begin(), shares.end(),
                     [&](const Share& share) { return active_[share.id.index()] == share.active; });
}

void KnownShares::remember(Place& place) {
  catch_up();
  ++solved_;
  if (known_.size() + active_classes_ > kMostShares) {
    known_.clear();
    std::fill(places_.begin(), places_.end(), Place{});
  }
  place.begin = static_cast<std::uint32_t>(known_.size());
  for (std::size_t c = 0; c < active_.size(); ++c) {
    const FlowClassId id{c};
    if (active_[c] > 0) known_.push_back({id, active_[c], solver_.rate(id)});
  }
  place.end = static_cast<std::uint32_t>(known_.size());
}

// Tells the solver of all that has come and gone since it was last asked. Where nothing has, it
// keeps what it solved last, for its laws to be checked.
void KnownShares::catch_up() {
  bool behind = false;
  for (std::size_t c = 0; c < active_.size(); ++c) {
    const FlowClassId id{c};
    behind = behind || solver_.active(id) != active_[c];
    while (solver_.active(id) < active_[c]) solver_.add(id);
    while (solver_.active(id) > active_[c]) solver_.remove(id);
  }
  if (behind) solver_.solve();
}

std::size_t KnownShares::check_laws() {
  if (remembers_) {
    catch_up();
    for (std::size_t c = 0; c < active_.size(); ++c)
      SIM_EXPECTS(active_[c] == 0 || rates_[FlowClassId{c}] == solver_.rate(FlowClassId{c}),
                  "rates depend on the active flows alone");
  }
  return solver_.check_laws();
}

}  // namespace sim
