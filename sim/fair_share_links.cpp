// Which links fair shares are solved on: the used ones, those loaded alike as one.
#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "sim/contracts.hpp"
#include "sim/fair_share.hpp"

namespace sim {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

FairShare::FairShare(const IdVector<LinkId, Link>& links, std::span<const FlowClass> classes) {
  classes_.reserve(classes.size());
  for (const FlowClass& flow : classes) {
    SIM_EXPECTS(!flow.uses.empty(), "a flow that uses no link needs no fair share");
    for (const LinkUse& use : flow.uses) {
      SIM_EXPECTS(use.link.index() < links.size(), "a traffic uses links of the machine");
      SIM_EXPECTS(links[use.link].capacity.bytes_per_second() > 0.0,
                  "a used link has a positive capacity");
    }
  }
  merge_links(links, classes);
  index_slots(classes);
}

// Numbers the used links; those that the same classes use with the same weights get one number.
void FairShare::merge_links(const IdVector<LinkId, Link>& links,
                            std::span<const FlowClass> classes) {
  struct Use {
    LinkId link;
    std::uint32_t owner;
    double weight;
    auto operator<=>(const Use&) const = default;
  };
  std::vector<Use> uses;
  for (std::uint32_t c = 0; c < classes.size(); ++c) {
    for (const LinkUse& use : classes[c].uses) uses.push_back({use.link, c, use.weight});
  }
  std::sort(uses.begin(), uses.end());
  std::map<std::vector<std::pair<std::uint32_t, double>>, UsedLinkId> known;
  std::vector<std::pair<std::uint32_t, double>> load;
  for (std::size_t i = 0; i < uses.size();) {
    const LinkId link = uses[i].link;
    load.clear();
    for (; i < uses.size() && uses[i].link == link; ++i)
      load.emplace_back(uses[i].owner, uses[i].weight);
    const auto [entry, is_new] = known.try_emplace(load, UsedLinkId{links_.size()});
    if (is_new) links_.push_back({kInfinity});
    double& capacity = links_[entry->second].capacity;
    capacity = std::min(capacity, links[link].capacity.bytes_per_second());
  }
  for (const auto& [loads, used] : known) {
    for (const auto& [owner, weight] : loads)
      slots_.push_back({used, FlowClassId{owner}, kNone, kNone, weight});
  }
}

// The slots of each class, one after the other, and where they lie.
void FairShare::index_slots(std::span<const FlowClass> classes) {
  std::sort(slots_.begin(), slots_.end(), [](const Slot& a, const Slot& b) {
    return std::pair(a.owner, a.link) < std::pair(b.owner, b.link);
  });
  for (const FlowClass& flow : classes) {
    ClassState state;
    state.cap = flow.rate_cap > 0.0 ? flow.rate_cap : kInfinity;
    classes_.push_back(state);
  }
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    ClassState& state = classes_[slots_[i].owner];
    if (state.last_slot == 0) state.first_slot = i;
    state.last_slot = i + 1;
  }
}

}  // namespace sim
