#include <algorithm>

#include <fmt/format.h>

#include "scenarios/problems.hpp"
#include "strategies/mesh.hpp"

namespace scenarios {
namespace {

bool names_each_once(const std::string& order) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= order.size();) {
    const std::size_t end = std::min(order.find('-', at), order.size());
    parts.push_back(order.substr(at, end - at));
    at = end + 1;
  }
  std::sort(parts.begin(), parts.end());
  return parts == std::vector<std::string>{"cp", "dp", "ep", "pp", "tp"};
}

// Whether a rank is on the same pipeline stage for its dense layers and for its experts.
bool stages_agree(const strategies::Plan& plan) {
  if ((plan.tp * plan.cp * plan.dp) % (plan.etp * plan.ep) != 0) return true;  // said elsewhere
  return strategies::dense_mesh(plan).stride(strategies::Axis::pp) ==
         strategies::expert_mesh(plan).stride(strategies::Axis::pp);
}

}  // namespace

std::vector<Problem> order_problems(const Scenario& scenario) {
  const strategies::Plan& plan = scenario.plan;
  if (!names_each_once(plan.rank_order)) {
    return {{{"strategy.rank_order"},
             fmt::format("rank_order '{}' does not name each dimension once", plan.rank_order),
             "tp-cp-ep-dp-pp, or its five parts in another order"}};
  }
  const models::Transformer* model = scenario.model.transformer();
  const bool experts = model != nullptr && model->moe.has_value();
  if (plan.pp == 1 || !experts || stages_agree(plan)) return {};
  return {{{"strategy.rank_order", "strategy.ep"},
           fmt::format("with rank_order '{}' the experts of a rank would be on another pipeline "
                       "stage than its dense layers: tp·cp and etp·ep in front of pp differ",
                       plan.rank_order),
           "put pp last, as in tp-cp-ep-dp-pp"}};
}

}  // namespace scenarios
