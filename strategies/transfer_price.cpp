#include "strategies/transfer_price.hpp"

#include <algorithm>
#include <limits>
#include <span>

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
double line_rate(std::span<const sim::LinkUse> uses, const sim::Machine& machine) {
  double rate = std::numeric_limits<double>::infinity();
  for (const sim::LinkUse& use : uses) {
    rate = std::min(rate, machine.links[use.link].capacity.bytes_per_second() / use.weight);
  }
  return rate;
}

// Part of that rate which faults have left.
double rate_left(std::span<const sim::LinkUse> uses, const sim::Machine& machine) {
  double rated = std::numeric_limits<double>::infinity();
  for (const sim::LinkUse& use : uses) {
    rated = std::min(rated, machine.links[use.link].rated().bytes_per_second() / use.weight);
  }
  return uses.empty() ? 1.0 : line_rate(uses, machine) / rated;
}

}  // namespace

// What a group puts on each link: the bytes of its pattern, but no more than the link, as rated,
// carries in the time of the price. Where the library needs less time than the pattern would take
// (a tree over two nodes, reduction in the switch, rings over all edges of a mesh), fewer bytes
// pass there, and on other links as many as before.
class TransferPrices::Load {
 public:
  Load(const std::vector<sim::LinkUse>& alone, double by_pattern, double transfer,
       const sim::Machine& machine)
      : by_pattern_(by_pattern), transfer_(transfer), machine_(machine) {
    double most = 0.0;
    for (const sim::LinkUse& use : alone) most = std::max(most, on_link(use));
    bytes_ = sim::Bytes::ceil(most);
  }

  sim::Bytes bytes() const { return bytes_; }  // on the most loaded link

  std::vector<sim::LinkUse> scaled(const std::vector<sim::LinkUse>& uses) const {
    std::vector<sim::LinkUse> out;
    out.reserve(uses.size());
    for (const sim::LinkUse& use : uses) out.push_back(scaled(use));
    return out;
  }
  // Rounded up, so that no load is lost: bounds of the search count on it.
  sim::LinkUse scaled(const sim::LinkUse& use) const {
    const double all = by_pattern_ * use.weight;
    const double bytes = on_link(use);
    if (bytes == all && all <= bytes_.as_double() * use.weight) return use;
    return {use.link, std::min(1.0, std::ceil(bytes / bytes_.as_double() * 0x1p20) * 0x1p-20)};
  }

 private:
  double on_link(const sim::LinkUse& use) const {
    return std::min(by_pattern_ * use.weight,
                    transfer_ * machine_.links[use.link].rated().bytes_per_second());
  }

  double by_pattern_, transfer_;
  const sim::Machine& machine_;
  sim::Bytes bytes_;
};

namespace {

bool same_weights(const std::vector<sim::LinkUse>& a, const std::vector<sim::LinkUse>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const sim::LinkUse& x, const sim::LinkUse& y) {
                      return x.link == y.link && x.weight == y.weight;
                    });
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
  if (is_new) priced = price(group, op, pattern_of(op), slowdown);
  return {group.participants, priced.traffic,  priced.bytes,
          priced.latency,     priced.rate_cap, priced.compute_share};
}

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
    out.traffic = traffic(group, pattern);
    return out;
  }
  const Load load(links.alone,
                  op.bytes.as_double() * links.load * loads_of_all_gather(op.collective), transfer,
                  *network_.machine);
  const std::vector<sim::LinkUse> alone = load.scaled(links.alone);
  out.bytes = load.bytes();
  out.traffic = same_weights(alone, links.alone) ? traffic(group, pattern)
                                                 : scaled_traffic(links, alone, load);
  out.rate_cap = sim::Bandwidth{out.bytes.as_double() / transfer};
  // What the library sustains is a part of its links' rate, and no more of a slow link's. Messages
  // of one pair have a rate of their own (a channel's), below a link's.
  if (op.collective != collectives::Kind::send_recv) {
    out.rate_cap = out.rate_cap * rate_left(alone, *network_.machine);
  }
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
TransferPrices::Priced TransferPrices::price_with_host(const Group& group, const Op& op) {
  Priced out;
  out.traffic = traffic(group, Pattern::ring);
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

sim::TrafficId TransferPrices::scaled_traffic(const LinkPattern& links,
                                              const std::vector<sim::LinkUse>& alone,
                                              const Load& load) {
  // Where no group stands for others, shared and alone are the same.
  if (fidelity_ == sim::Fidelity::analytic || links.equals.empty()) {
    return graph_.add_traffic(alone);
  }
  std::vector<sim::LinkUse> shared;
  for (const EqualUses& equal : links.equals) {
    shared.push_back(load.scaled(equal.use));
    shared.back().weight *= static_cast<double>(equal.count);
  }
  return graph_.add_traffic(shared);
}

}  // namespace strategies
