// The rows of a Breakdown in the order and with the names of the JSON result.
#pragma once

#include <array>
#include <string_view>

#include "scenarios/report.hpp"

namespace reports {

struct BreakdownRow {
  std::string_view key;    // in JSON and CSV
  std::string_view label;  // for people
  sim::Time scenarios::Breakdown::*part;
};

inline constexpr std::array kBreakdownRows{
    BreakdownRow{"compute", "compute", &scenarios::Breakdown::compute},
    BreakdownRow{"recompute", "recomputation", &scenarios::Breakdown::recompute},
    BreakdownRow{"optimizer", "optimizer", &scenarios::Breakdown::optimizer},
    BreakdownRow{"exposed_tp", "tensor parallel", &scenarios::Breakdown::exposed_tp},
    BreakdownRow{"exposed_cp", "context parallel", &scenarios::Breakdown::exposed_cp},
    BreakdownRow{"exposed_ep", "expert parallel", &scenarios::Breakdown::exposed_ep},
    BreakdownRow{"exposed_pp", "pipeline transfers", &scenarios::Breakdown::exposed_pp},
    BreakdownRow{"exposed_dp", "data parallel", &scenarios::Breakdown::exposed_dp},
    BreakdownRow{"bubble", "pipeline bubble", &scenarios::Breakdown::bubble},
    BreakdownRow{"other", "other", &scenarios::Breakdown::other},
};

}  // namespace reports
