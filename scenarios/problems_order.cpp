#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "scenarios/problems.hpp"
#include "strategies/mesh.hpp"

namespace scenarios {
namespace {

// As in tp-cp-ep-dp-pp. A search asks for each of its strategies.
bool names_each_once(std::string_view order) {
  constexpr std::array<std::string_view, 5> names{"cp", "dp", "ep", "pp", "tp"};
  if (order.size() != 3 * names.size() - 1) return false;
  std::array<bool, names.size()> seen{};
  for (std::size_t at = 0; at < order.size(); at += 3) {
    if (at + 2 < order.size() && order[at + 2] != '-') return false;
    const auto name = std::find(names.begin(), names.end(), order.substr(at, 2));
    if (name == names.end() || seen[static_cast<std::size_t>(name - names.begin())]) return false;
    seen[static_cast<std::size_t>(name - names.begin())] = true;
  }
  return true;
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
