#include "studies/search_copies.hpp"

#include <algorithm>

namespace studies {

using strategies::GroupKind;
using strategies::PassKind;

double ActivationCopies::time(GroupKind way, double bytes, std::int64_t copies) const {
  if (copies == 0) return 0.0;
  const sim::Bytes each{static_cast<std::int64_t>(bytes / static_cast<double>(copies))};
  return static_cast<double>(copies) *
         prices_.copy_time(shapes_[static_cast<std::size_t>(way)], each);
}

double ActivationCopies::finish(std::size_t stage, PassKind kind, const PassCosts& piece,
                                bool last_stays, double start, double finish) {
  const double last = piece.offloaded_last;
  const std::int64_t of_last = last > 0.0 ? 1 : 0;
  const double bytes = piece.offloaded - (last_stays ? last : 0.0);
  const std::int64_t copies = piece.copies - (last_stays ? of_last : 0);
  if (copies == 0 || kind == PassKind::backward_weight) return finish;
  if (kind == PassKind::forward) {
    const double begun = std::max(down_[stage], start);
    down_[stage] = begun + time(GroupKind::to_host, bytes, copies);
    if (of_last == 0) return std::max(finish, begun);
    if (last_stays) return std::max(finish, down_[stage]);
    return std::max(finish, begun + time(GroupKind::to_host, bytes - last, copies - 1));
  }
  const double begun = std::max(up_[stage], start);
  up_[stage] = begun + time(GroupKind::from_host, bytes, copies);
  const double first = last_stays || of_last == 0 ? 0.0 : time(GroupKind::from_host, last, of_last);
  return std::max(up_[stage], begun + first + (finish - start));
}

}  // namespace studies
