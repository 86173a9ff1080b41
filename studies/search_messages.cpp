#include "studies/search_messages.hpp"

#include <algorithm>

namespace studies {

using strategies::GroupKind;

StageMessages::StageMessages(QuietPrices& prices, const strategies::Plan& plan, sim::Bytes bytes,
                             bool best_case)
    : stages_(plan.pp) {
  constexpr std::array kinds{GroupKind::next_stage, GroupKind::previous_stage};
  for (std::int64_t s = 0; s < stages_ && stages_ > 1; ++s) {
    const GroupShapes shapes = prices.shapes(plan, s, kinds);
    auto& price = time_.emplace_back();
    for (std::size_t k = 0; k < kinds.size(); ++k) {
      const auto time = [&](bool overlapped) {
        return prices.time(collectives::Kind::send_recv, shapes[static_cast<std::size_t>(kinds[k])],
                           bytes, overlapped);
      };
      price[k] = best_case ? std::min(time(true), time(false)) : time(plan.overlap.p2p);
    }
  }
}

double StageMessages::between(std::int64_t from, std::int64_t to) const {
  if (from == to) return 0.0;
  const bool next = to == (from + 1) % stages_;
  const bool previous = to == (from + stages_ - 1) % stages_;
  const auto& price = time_[static_cast<std::size_t>(from)];
  if (next && previous) return price[to > from ? 0 : 1];
  return price[next ? 0 : 1];
}

}  // namespace studies
