#include "strategies/transfer_price.hpp"

#include <algorithm>
#include <limits>

#include "sim/contracts.hpp"

namespace strategies {
namespace {

Pattern pattern_of(const Op& op) {
  if (op.group == GroupKind::expert && op.forwarded.count() > 0) return Pattern::railed;
  return op.collective == collectives::Kind::all_to_all ? Pattern::direct : Pattern::ring;
}

// The members that a condition on their domain and local index keeps.
template <class Keep>
collectives::GroupShape part_of(const collectives::GroupShape& shape, Keep keep) {
  collectives::GroupShape out;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (!keep(i)) continue;
    out.domain.push_back(shape.domain[i]);
    out.local.push_back(shape.local[i]);
  }
  return out;
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
  const auto index = static_cast<std::uint64_t>(&group - fleet_.groups.data());
  const Key key{
      index << 9 | static_cast<std::uint64_t>(op.collective) << 1 | (op.overlapped ? 1U : 0U),
      op.bytes.count(), op.forwarded.count()};
  const auto [entry, is_new] = priced_.try_emplace(key);
  Priced& priced = entry->second;
  if (is_new) {
    const Pattern pattern = pattern_of(op);
    priced = price(group, op, pattern, slowdown);
    priced.traffic = traffic(group, pattern);
  }
  return {group.participants, priced.traffic,  priced.bytes,
          priced.latency,     priced.rate_cap, priced.compute_share};
}

// Bytes on the most loaded link follow from the ring (or the pairs); where the library needs less
// time than that would take (a tree over two nodes, reduction in the switch), from its time.
TransferPrices::Priced TransferPrices::price(const Group& group, const Op& op, Pattern pattern,
                                             double slowdown) {
  if (is_with_host(group.kind)) return price_with_host(group, op);
  const collectives::Price price = library_price(group, op);
  note(op.collective, fleet_.shapes[group.shape], price.source);
  Priced out;
  out.latency = price.latency;
  out.compute_share = price.sm_share;
  const LinkPattern& links = group.patterns[static_cast<std::size_t>(pattern)];
  SIM_EXPECTS(group.members.size() < 2 || !links.alone.empty(), "the group's pattern is known");
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

// A node-limited exchange runs along the rails and inside the nodes at once, each part as fast as
// the library's exchange of that group: the slower one counts.
collectives::Price TransferPrices::library_price(const Group& group, const Op& op) const {
  const collectives::GroupShape& shape = fleet_.shapes[group.shape];
  const auto price = [&](const collectives::GroupShape& members, sim::Bytes bytes) {
    return collectives::price(op.collective, members, bytes, network_.fabric, network_.library,
                              call_of(op));
  };
  if (op.forwarded.count() == 0) return price(shape, op.bytes);
  const auto rail = part_of(shape, [&](std::size_t i) { return shape.local[i] == shape.local[0]; });
  const auto node =
      part_of(shape, [&](std::size_t i) { return shape.domain[i] == shape.domain[0]; });
  collectives::Price out = price(rail, op.bytes);
  const collectives::Price inside = price(node, op.forwarded);
  out.latency += inside.latency;
  out.transfer = std::max(out.transfer, inside.transfer);
  out.sm_share = std::max(out.sm_share, inside.sm_share);
  if (network_.exchange_sm_share > 0.0) out.sm_share = network_.exchange_sm_share;
  return out;
}

// A copy runs at the rate of its PCIe links, less what others take there; work on the host takes
// the time its bytes need in the host's memory. Neither takes anything from the device's compute:
// copy engines move the data.
TransferPrices::Priced TransferPrices::price_with_host(const Group& group, const Op& op) const {
  Priced out;
  if (group.kind == GroupKind::host) {
    SIM_EXPECTS(network_.host_memory.bytes_per_second() > 0.0, "a host with memory");
    out.latency = std::max(
        sim::Time::from_seconds(op.bytes.as_double() / network_.host_memory.bytes_per_second()),
        nvme_time(op.forwarded));
    return out;
  }
  const LinkPattern& links = group.patterns[static_cast<std::size_t>(Pattern::ring)];
  SIM_EXPECTS(!links.alone.empty(), "offloading needs a way from the device to its host");
  for (const sim::LinkUse& use : links.alone)
    out.latency += network_.machine->links[use.link].latency;
  out.bytes = op.bytes;
  out.rate_cap = sim::Bandwidth{line_rate(links.alone, *network_.machine)};
  if (op.forwarded.count() > 0) {
    out.rate_cap =
        sim::Bandwidth{std::min(out.rate_cap.bytes_per_second(), network_.nvme.bytes_per_second())};
  }
  return out;
}

sim::Time TransferPrices::nvme_time(sim::Bytes bytes) const {
  if (bytes == sim::Bytes{0}) return sim::Time::zero();
  SIM_EXPECTS(network_.nvme.bytes_per_second() > 0.0, "a host with drives");
  return sim::Time::from_seconds(bytes.as_double() / network_.nvme.bytes_per_second());
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
