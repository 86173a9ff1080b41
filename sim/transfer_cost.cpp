#include "sim/transfer_cost.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sim/contracts.hpp"

namespace sim {

double quiet_rate(const IdVector<LinkId, Link>& links, std::span<const LinkUse> uses) {
  double rate = std::numeric_limits<double>::infinity();
  for (const LinkUse& use : uses) {
    SIM_EXPECTS(use.link.index() < links.size(), "a traffic uses links of the machine");
    rate = std::min(rate, links[use.link].capacity.bytes_per_second() / use.weight);
  }
  SIM_EXPECTS(rate > 0.0, "a used link has a positive capacity");
  return rate;
}

std::vector<double> quiet_rates(const IdVector<LinkId, Link>& links, const TaskGraph& graph) {
  std::vector<double> rates(graph.traffic_count());
  for (std::size_t i = 0; i < rates.size(); ++i)
    rates[i] = quiet_rate(links, graph.link_uses(TrafficId{i}));
  return rates;
}

double capped_rate(double rate, double cap) { return cap > 0.0 ? std::min(rate, cap) : rate; }

Time time_to_move(Bytes bytes, double rate) {
  if (bytes == Bytes{} || std::isinf(rate)) return Time::zero();
  return bytes / Bandwidth{rate};
}

std::vector<double> total_link_bytes(std::size_t link_count, const TaskGraph& graph) {
  std::vector<double> link_bytes(link_count, 0.0);
  for (std::size_t i = 0; i < graph.traffic_count(); ++i)
    for (const LinkUse& use : graph.link_uses(TrafficId{i}))
      link_bytes[use.link.index()] += use.weight * graph.carried(TrafficId{i}).as_double();
  return link_bytes;
}

}  // namespace sim
