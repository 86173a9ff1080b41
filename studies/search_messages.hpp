// Messages between pipeline stages on idle links. Part of the pipeline bound.
#pragma once

#include <array>
#include <vector>

#include "studies/search_prices.hpp"

namespace studies {

class StageMessages {
 public:
  // Of `bytes` each. `best_case`: overlapped or not, whichever is faster.
  StageMessages(QuietPrices& prices, const strategies::Plan& plan, sim::Bytes bytes,
                bool best_case);

  double between(std::int64_t from, std::int64_t to) const;  // stages; 0 within one

 private:
  std::int64_t stages_;
  std::vector<std::array<double, 2>> time_;  // per stage: to the next, to the previous
};

}  // namespace studies
