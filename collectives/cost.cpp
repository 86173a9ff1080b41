#include "collectives/cost.hpp"

#include <algorithm>
#include <cmath>

#include "sim/contracts.hpp"

namespace collectives {
namespace {

constexpr double kMicro = 1e-6;
constexpr double kGiga = 1e9;
constexpr double kMega = 1e6;
// What NCCL itself takes for LL128, with 120 bytes of data in 128, and for trees against rings
// (src/graph/tuning.cc).
constexpr double kLl128Payload = 0.92;
constexpr double kTreeRate = 0.92;

// Passes of the buffer around a ring: two for all-reduce, one for the others.
double passes(Kind kind) { return kind == Kind::all_reduce ? 2.0 : 1.0; }

// Part of the buffer that a ring moves over every edge.
double ring_volume(Kind kind, double n) {
  return kind == Kind::broadcast ? 1.0 : passes(kind) * (n - 1.0) / n;
}

struct Context {
  const GroupFacts& group;
  const Fabric& fabric;
  const DeviceModel& device;
  const NetworkModel& network;

  bool one_domain() const { return group.one_domain(); }
  double intra_rate() const { return fabric.intra_bandwidth.bytes_per_second(); }
  double intra_rate(Protocol protocol) const {
    const auto field =
        static_cast<std::size_t>(DeviceField::ll_efficiency) + static_cast<std::size_t>(protocol);
    return intra_rate() * device.value[field];
  }
  // LL's part of the rate (its flags) is in its own efficiency.
  double inter_rate(Protocol protocol, Method method = Method::ring) const {
    const bool tree = method != Method::ring && group.domains > 2;
    const auto field = protocol == Protocol::ll ? NetworkField::ll_efficiency
                       : tree                   ? NetworkField::tree_efficiency
                                                : NetworkField::efficiency;
    const double payload = protocol == Protocol::ll128 ? kLl128Payload : 1.0;
    return fabric.inter_bandwidth.bytes_per_second() * nic_share(fabric, group.least) *
           network[field] * payload;
  }
  double intra_hop(Protocol protocol) const {
    const auto field =
        static_cast<std::size_t>(DeviceField::hop_ll) + static_cast<std::size_t>(protocol);
    return device.value[field] * kMicro + fabric.intra_latency.seconds();
  }
  double inter_hop(Protocol protocol) const {
    const auto field =
        static_cast<std::size_t>(NetworkField::hop_ll) + static_cast<std::size_t>(protocol);
    return network.value[field] * kMicro + fabric.inter_latency.seconds();
  }
  double ring_step(Protocol protocol) const {
    const auto field =
        static_cast<std::size_t>(NetworkField::ring_step_ll) + static_cast<std::size_t>(protocol);
    return network.value[field] * kMicro;
  }
  // Networks send short messages at once and negotiate longer ones (eager and rendezvous).
  double rise(Protocol protocol, double message) const {
    if (protocol != Protocol::ll || message <= 2048.0) return 0.0;
    return network[NetworkField::rise_ll] * kMicro *
           std::min(1.0, std::log2(message / 2048.0) / 3.0);
  }
  double launch() const { return device[DeviceField::launch] * kMicro; }
  // Time per byte at `rate`, and more of it while the pipeline fills: below fill_bytes the chunks
  // are cut smaller and the next one does not yet hide the end of the last.
  double stretched(double bytes, double seconds_per_byte, double chunks = 1.0) const {
    const double knee =
        (one_domain() ? device[DeviceField::fill_bytes] : network[NetworkField::fill_bytes]) *
        kMega * chunks;
    const double factor =
        one_domain() ? device[DeviceField::fill_factor] : network[NetworkField::fill_factor];
    return (bytes + factor * std::min(bytes, knee)) * seconds_per_byte;
  }
};

// Inside a domain the steps follow one another and the bytes stream behind them.
Cost ring_inside(Kind kind, Protocol protocol, const Context& c, double bytes) {
  const double n = c.group.members;
  const double per_byte = ring_volume(kind, n) / c.intra_rate(protocol);
  Cost cost;
  cost.latency = c.launch() + passes(kind) * (n - 1.0) * c.intra_hop(protocol);
  cost.transfer = protocol == Protocol::simple ? c.stretched(bytes, per_byte) : bytes * per_byte;
  return cost;
}

// Either the data's way around the ring takes longest or the messages that follow one another
// through the same network link. While the bytes of one are under way the next one is prepared, so
// that waiting and sending overlap in part.
Cost ring_across(Kind kind, Protocol protocol, const Context& c, double bytes) {
  const double n = c.group.members;
  const double steps = passes(kind) * (n - 1.0);
  const double crossing = passes(kind) * (c.group.domains - 1.0);
  const double near = c.group.most > 1 ? 1.0 / c.intra_rate(protocol) : 0.0;
  const double rise = c.rise(protocol, bytes / n);
  const double around =
      (steps - crossing) * c.intra_hop(protocol) + crossing * (c.inter_hop(protocol) + rise);
  const double waiting = std::max(around, steps * (c.ring_step(protocol) + rise));
  Cost cost;
  cost.transfer = bytes * ring_volume(kind, n) * std::max(near, 1.0 / c.inter_rate(protocol));
  const double longest = std::max(waiting, cost.transfer);
  const double power = c.network[NetworkField::blend];
  const double both = longest * std::pow(std::pow(waiting / longest, power) +
                                             std::pow(cost.transfer / longest, power),
                                         1.0 / power);
  cost.latency = c.launch() + both - cost.transfer;
  return cost;
}

Cost ring_cost(Kind kind, Protocol protocol, const Context& c, double bytes) {
  return c.one_domain() ? ring_inside(kind, protocol, c, bytes)
                        : ring_across(kind, protocol, c, bytes);
}

// Bytes per direction through the NICs of a domain, in buffers: up one tree and down the other;
// between two domains each is the root of one tree and a leaf of the other.
double tree_volume(double domains) { return domains > 2.0 ? 2.0 * (domains - 1.0) / domains : 1.0; }

Cost tree_cost(Protocol protocol, const Context& c, double bytes) {
  const double domains = c.group.domains;
  double per_byte =
      c.group.most > 1 ? 2.0 / (c.intra_rate(protocol) * kTreeRate) : 0.0;  // up and down
  if (!c.one_domain()) {
    per_byte = std::max(per_byte, tree_volume(domains) / c.inter_rate(protocol, Method::tree));
  }
  Cost cost;
  cost.latency =
      c.launch() + 2.0 * (c.group.most - 1.0) * c.intra_hop(protocol) +
      2.0 * std::ceil(std::log2(domains)) * (c.inter_hop(protocol) + c.rise(protocol, bytes));
  // What fills a pipeline is in proportion to its rate; the constants are those of whole domains.
  const double share = c.one_domain() ? 1.0 : nic_share(c.fabric, c.group.least);
  cost.transfer = protocol == Protocol::ll ? bytes * per_byte : c.stretched(bytes, per_byte, share);
  return cost;
}

Cost nvls_cost(const Context& c, double bytes) {
  const double p = c.group.most;
  const double domains = c.group.domains;
  const double intra = c.intra_rate() * c.device[DeviceField::nvls_efficiency];
  double per_byte = (1.0 + 1.0 / p) / intra;
  if (!c.one_domain()) {
    per_byte =
        std::max(per_byte, tree_volume(domains) / c.inter_rate(Protocol::simple, Method::tree));
  }
  Cost cost;
  // Four passes through the switch: in, out, back in, multicast.
  cost.latency = c.launch() + c.device[DeviceField::nvls_latency] * kMicro +
                 4.0 * c.fabric.intra_latency.seconds() +
                 2.0 * std::ceil(std::log2(domains)) * c.inter_hop(Protocol::simple);
  // NVLS cuts its chunks below a number of bytes that grows with the members it splits them over;
  // the constants are those of eight (NCCL, calcCollChunking).
  cost.transfer = c.stretched(bytes, per_byte, c.one_domain() ? p / 8.0 : 1.0);
  return cost;
}

// Bytes a member sends to members of its own domain and to others, as parts of `bytes`.
struct Split {
  double near = 0.0;
  double far = 0.0;
};

Split p2p_split(Kind kind, const GroupFacts& group) {
  const double n = group.members;
  if (kind == Kind::send_recv) return {group.most > 1 ? 1.0 : 0.0, group.one_domain() ? 0.0 : 1.0};
  // The emptiest domain has the most to send elsewhere, over the fewest NICs.
  return {(group.most - 1.0) / n, (n - group.least) / n};
}

// Channels that one pair gets: NCCL adds one per 64 MiB (measured, docs/collectives.md).
constexpr double kBytesPerChannel = 64.0 * 1024.0 * 1024.0;

}  // namespace

double nic_share(const Fabric& fabric, std::uint32_t members) {
  const double devices = std::max(1U, fabric.domain_size);
  const double nics = std::max(1U, fabric.nics_per_domain);
  return std::min(1.0, members / std::min(devices, nics));
}

ChannelRates channel_rates(const GroupFacts& group, const Fabric& fabric) {
  // 20 of 25 GB/s per NVLink, 24 of 25 per 200 Gb/s NIC: the entries of NCCL's speed tables.
  const double links = fabric.intra == Interconnect::pcie ? 1.0 : 0.8;
  return {fabric.intra_bandwidth.bytes_per_second() * links,
          fabric.inter_bandwidth.bytes_per_second() * 0.96 * nic_share(fabric, group.least)};
}

Cost p2p_cost(Kind kind, const GroupFacts& group, double bytes, const Fabric& fabric,
              const ModelConstants& constants) {
  const Context c{group, fabric, device_model(constants, fabric), network_model(constants, fabric)};
  const Split split = p2p_split(kind, group);
  const double members = kind == Kind::send_recv ? 1.0 : group.least;
  const double near_rate = c.intra_rate() * c.device[DeviceField::p2p_efficiency];
  const double far_rate = fabric.inter_bandwidth.bytes_per_second() *
                          nic_share(fabric, kind == Kind::send_recv ? 1 : group.least) *
                          c.network[NetworkField::p2p_efficiency] / members;
  Cost cost;
  cost.latency = c.launch() + c.intra_hop(Protocol::simple);
  if (split.near > 0.0) cost.transfer = c.stretched(bytes, split.near / near_rate);
  if (split.near > 0.0 && kind == Kind::send_recv) {
    // The channels are dealt to the peers: half as many peers, twice the channels for each.
    const double channel =
        c.device[DeviceField::p2p_channel] * kGiga * 8.0 / std::min(8.0, 1.0 * group.members);
    cost.transfer = std::max(cost.transfer, std::min(bytes, kBytesPerChannel) / channel);
  }
  if (split.far > 0.0) {
    const double peers = kind == Kind::send_recv ? 1.0 : group.members - group.least;
    cost.latency = c.launch() + c.inter_hop(Protocol::simple) +
                   peers * c.network[NetworkField::message] * kMicro *
                       (bytes * split.far <= 128.0 * peers ? c.network[NetworkField::inject] : 1.0);
    cost.transfer = std::max(cost.transfer, bytes * split.far / far_rate);
  }
  return cost;
}

Cost method_cost(Kind kind, Choice choice, const GroupFacts& group, double bytes,
                 const Fabric& fabric, const ModelConstants& constants) {
  const Context c{group, fabric, device_model(constants, fabric), network_model(constants, fabric)};
  switch (choice.method) {
    case Method::ring:
      return ring_cost(kind, choice.protocol, c, bytes);
    case Method::tree:
      return tree_cost(choice.protocol, c, bytes);
    case Method::nvls:
    case Method::nvls_tree:
      return nvls_cost(c, bytes);
  }
  SIM_EXPECTS(false, "unknown method");
}

Cost ideal_cost(Kind kind, const GroupFacts& group, double bytes, const Fabric& fabric) {
  const double n = group.members;
  const double intra = fabric.intra_bandwidth.bytes_per_second();
  const double inter = fabric.inter_bandwidth.bytes_per_second();
  const bool pairs = kind == Kind::all_to_all || kind == Kind::send_recv;
  const double rounds = kind == Kind::send_recv ? 1.0 : passes(kind) * (n - 1.0);
  Cost cost;
  if (group.one_domain()) {
    const double volume = kind == Kind::send_recv ? 1.0 : ring_volume(kind, n);
    cost.latency = rounds * fabric.intra_latency.seconds();
    cost.transfer = bytes * volume / intra;
    return cost;
  }
  const double hop = std::max(fabric.intra_latency.seconds(), fabric.inter_latency.seconds());
  cost.latency = rounds * hop;
  if (pairs) {
    const Split split = p2p_split(kind, group);
    const double members = kind == Kind::send_recv ? 1.0 : group.least;
    const auto share = nic_share(fabric, kind == Kind::send_recv ? 1 : group.least);
    cost.transfer = bytes * split.far * members / (inter * share);
    if (split.near > 0.0) cost.transfer = std::max(cost.transfer, bytes * split.near / intra);
    return cost;
  }
  const double p = group.most;
  const double volume = bytes * ring_volume(kind, n);
  cost.transfer = volume / (inter * nic_share(fabric, group.least));
  if (p > 1.0) cost.transfer = std::max(cost.transfer, volume * (p - 1.0) / p / intra);
  return cost;
}

}  // namespace collectives
