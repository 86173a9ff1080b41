#include "strategies/transfer_price.hpp"

#include <algorithm>
#include <limits>

#include "sim/contracts.hpp"

namespace strategies {
namespace {

Pattern pattern_of(collectives::Kind kind) {
  return kind == collectives::Kind::all_to_all ? Pattern::direct : Pattern::ring;
}

// Times the load of an all-gather of the same buffer that a collective puts on the links of a ring.
double loads_of_all_gather(collectives::Kind kind) {
  return kind == collectives::Kind::all_reduce ? 2.0 : 1.0;
}

collectives::Call call_of(const Op& op) {
  return op.overlapped ? collectives::Call::nonblocking : collectives::Call::blocking;
}

// The rate, on a link of weight 1, at which the first link of a pattern is full.
double line_rate(const std::vector<sim::LinkUse>& uses, const sim::Machine& machine) {
  double rate = std::numeric_limits<double>::infinity();
  for (const sim::LinkUse& use : uses) {
    rate = std::min(rate, machine.links[use.link].capacity.bytes_per_second() / use.weight);
  }
  return rate;
}

}  // namespace

TransferPrices::TransferPrices(const Fleet& fleet, const Network& network, sim::Fidelity fidelity,
                               sim::TaskGraph& graph)
    : fleet_(fleet), network_(network), fidelity_(fidelity), graph_(graph) {}

sim::Transfer TransferPrices::transfer(const Group& group, const Op& op, double slowdown) {
  const Pattern pattern = pattern_of(op.collective);
  const auto index = static_cast<std::size_t>(&group - fleet_.groups.data());
  const Key key{index, group.kind, op.collective, op.bytes.count(), op.overlapped};
  auto found = priced_.find(key);
  if (found == priced_.end()) {
    found = priced_.emplace(key, price(group, op, pattern, slowdown)).first;
  }
  const Priced& priced = found->second;
  return {group.participants, traffic(group, pattern), priced.bytes,
          priced.latency,     priced.rate_cap,         priced.compute_share};
}

// Bytes on the most loaded link follow from the ring (or the pairs); where the library needs less
// time than that would take (a tree over two nodes, reduction in the switch), from its time.
TransferPrices::Priced TransferPrices::price(const Group& group, const Op& op, Pattern pattern,
                                             double slowdown) {
  if (is_with_host(group.kind)) return price_with_host(group, op);
  const collectives::Price price =
      collectives::price(op.collective, fleet_.shapes[group.shape], op.bytes, network_.fabric,
                         network_.library, call_of(op));
  note(op.collective, fleet_.shapes[group.shape], price.source);
  Priced out;
  out.latency = price.latency;
  out.compute_share = price.sm_share;
  const LinkPattern& links = group.patterns[static_cast<std::size_t>(pattern)];
  const double transfer = price.transfer.seconds() * (1.0 + slowdown);
  if (op.bytes == sim::Bytes{0} || transfer <= 0.0) {
    return out;
  }
  const double by_pattern = op.bytes.as_double() * links.load * loads_of_all_gather(op.collective);
  const double by_time = transfer * line_rate(links.alone, *network_.machine);
  out.bytes = sim::Bytes::ceil(std::min(by_pattern, by_time));
  out.rate_cap = sim::Bandwidth{out.bytes.as_double() / transfer};
  return out;
}

void TransferPrices::note(collectives::Kind kind, const collectives::GroupShape& shape,
                          collectives::PriceSource source) {
  const collectives::GroupFacts facts = collectives::group_facts(shape);
  if (facts.members > 1) sources_.insert({kind, facts.members, facts.domains, source});
}

// A copy runs at the rate of its PCIe links, less what others take there; work on the host takes
// the time its bytes need in the host's memory. Neither takes anything from the device's compute:
// copy engines move the data.
TransferPrices::Priced TransferPrices::price_with_host(const Group& group, const Op& op) const {
  Priced out;
  if (group.kind == GroupKind::host) {
    SIM_EXPECTS(network_.host_memory.bytes_per_second() > 0.0, "a host with memory");
    out.latency =
        sim::Time::from_seconds(op.bytes.as_double() / network_.host_memory.bytes_per_second());
    return out;
  }
  const LinkPattern& links = group.patterns[static_cast<std::size_t>(Pattern::ring)];
  SIM_EXPECTS(!links.alone.empty(), "offloading needs a way from the device to its host");
  for (const sim::LinkUse& use : links.alone)
    out.latency += network_.machine->links[use.link].latency;
  out.bytes = op.bytes;
  out.rate_cap = sim::Bandwidth{line_rate(links.alone, *network_.machine)};
  return out;
}

sim::TrafficId TransferPrices::traffic(const Group& group, Pattern pattern) {
  const auto index = static_cast<std::size_t>(&group - fleet_.groups.data());
  const auto [entry, is_new] = traffic_.try_emplace({index, pattern});
  if (is_new) {
    const LinkPattern& links = group.patterns[static_cast<std::size_t>(pattern)];
    entry->second =
        graph_.add_traffic(fidelity_ == sim::Fidelity::analytic ? links.alone : links.shared);
  }
  return entry->second;
}

}  // namespace strategies
