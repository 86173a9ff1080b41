#include "collectives/tuner.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

namespace collectives {
namespace {

constexpr double kMicro = 1e-6;
constexpr double kGiga = 1e9;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Channels of a collective, after NCCL has duplicated those its search found (logs: 24 on A100 and
// H100 systems).
constexpr double kChannels = 24.0;
// Host overhead of one network step (us, Intel hosts), three times that for Simple.
constexpr double kNetOverhead = 1.0;

// Bandwidth corrections of the tree by size, 64 B to 256 MiB (src/graph/tuning.cc).
constexpr double kTreeCorrection[3][23] = {
    {1.0, 1.0, 1.0, 1.0, 0.9, 0.8, 0.7, 0.7, 0.7, 0.7, 0.6, 0.5,
     0.4, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.0, 1.0, 1.0},
    {1.0, 1.0, 1.0, 1.0, 1.0, 0.9, 0.8, 0.8, 0.8, 0.7, 0.6, 0.6,
     0.6, 0.6, 0.6, 0.6, 0.8, 0.9, 0.9, 0.9, 0.9, 1.0, 1.0},
    {0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.8, 0.7, 0.6, 0.6, 0.5,
     0.5, 0.5, 0.5, 0.6, 0.7, 0.8, 0.7, 0.7, 0.8, 0.9, 0.9}};

struct Context {
  Kind kind;
  const GroupFacts& group;
  const Fabric& fabric;
  const ChannelRates& rates;
  const TunerConstants& constants;
  Protocol protocol;

  std::size_t p() const { return static_cast<std::size_t>(protocol); }
  std::size_t generation() const {
    return fabric.generation == Generation::other ? static_cast<std::size_t>(Generation::ampere)
                                                  : static_cast<std::size_t>(fabric.generation);
  }
  std::size_t nodes() const { return std::min<std::size_t>(group.domains, 3) - 1; }
  bool pcie() const { return fabric.intra == Interconnect::pcie; }
  double intra_hop(std::size_t algorithm) const { return constants.hop[pcie()][algorithm][p()]; }
  double inter_hop(std::size_t algorithm) const {
    const double plugin = fabric.plugin_latency.seconds() / kMicro;
    const double flush = protocol == Protocol::simple ? plugin : 0.0;
    return constants.hop[2][algorithm][p()] + plugin + flush;
  }
  double ll_max() const {
    return constants.ll_max[group.one_domain() ? generation() : 0][nodes()] * kGiga;
  }
  // Over two nodes NCCL counts the rate inside them, which its search lets a tree raise to twice
  // that of the NICs. Measured: H100 and GH200 systems and EFA run trees there, A100 systems on
  // InfiniBand and Slingshot rings.
  double tree_bus() const {
    if (group.one_domain()) return rates.intra;
    const bool raised = group.domains == 2 && (fabric.generation == Generation::hopper ||
                                               fabric.generation == Generation::blackwell ||
                                               fabric.inter == Network::efa);
    return std::min(rates.intra, raised ? 2.0 * rates.inter : rates.inter);
  }
};

struct Estimate {
  double latency = 0.0;    // us
  double bandwidth = 0.0;  // bytes/s, of the algorithm
};

Estimate ring(const Context& c) {
  const double n = c.group.members;
  const bool two_passes = c.kind == Kind::all_reduce;
  const double steps = c.kind == Kind::broadcast ? n : (two_passes ? 2 : 1) * (n - 1);
  const double nodes = c.group.domains;
  const double old = c.constants.release <= 222 && two_passes && nodes > 1 ? nodes : nodes - 1;
  const double crossing = (two_passes ? 2 : 1) * old;
  const double overhead =
      nodes > 1 ? kNetOverhead * (c.protocol == Protocol::simple ? 3.0 : 1.0) : 0.0;
  Estimate e;
  e.latency = c.constants.base[1][c.p()] +
              std::max(0.0, steps - crossing) * std::max(c.intra_hop(1), overhead) +
              crossing * c.inter_hop(1);
  double bus = std::min(c.rates.intra, c.group.domains > 1 ? c.rates.inter : c.rates.intra);
  if (c.protocol == Protocol::ll) {
    bus = std::min(c.ll_max(), bus * (c.constants.release >= 221 ? 0.5 : 0.25));
  } else if (c.protocol == Protocol::ll128) {
    bus = std::min(bus * 0.92, kChannels * c.constants.ring_ll128_max[c.generation()] * kGiga);
  }
  e.bandwidth = bus * n / steps;
  return e;
}

Estimate tree(const Context& c) {
  const double nodes = c.group.domains;
  Estimate e;
  e.latency = c.constants.base[0][c.p()] +
              2.0 * ((c.group.most - 1.0) * c.intra_hop(0) + std::log2(nodes) * c.inter_hop(0));
  double bus = std::min(c.tree_bus() * 0.92,
                        kChannels * c.constants.tree_max[c.generation()][c.nodes()] * kGiga);
  if (c.protocol == Protocol::ll) {
    bus = std::min(bus / 3.8, c.ll_max());
  } else if (c.protocol == Protocol::ll128) {
    bus = std::min(bus * (c.group.one_domain() ? 7.0 / 9.0 : 120.0 / 128.0),
                   kChannels * c.constants.tree_ll128_max[c.generation()][c.nodes()] * kGiga);
  }
  e.bandwidth = bus * 0.5;
  return e;
}

double nvls_ratio(const Context& c) {
  const double n = c.group.members;
  const double efficiency = c.constants.nvls_efficiency[c.generation()];
  return efficiency > 0.0 ? 2.0 * efficiency * n / (2.0 * (n - 1.0)) : 5.0 / 6.0;
}

Estimate nvls(const Context& c) {
  return {c.constants.base[2][2] + c.constants.nvls_intra, c.rates.intra * nvls_ratio(c)};
}

Estimate nvls_tree(const Context& c) {
  const double plugin = c.fabric.plugin_latency.seconds() / kMicro;
  const double hop = c.constants.nvls_tree_net + 2.0 * plugin;
  const double between = c.group.domains > 2 ? c.rates.inter / 2.0 : c.rates.inter;
  return {c.constants.base[3][2] + c.constants.nvls_intra +
              2.0 * std::log2(static_cast<double>(c.group.domains)) * hop,
          std::min(c.rates.intra, between) * nvls_ratio(c)};
}

bool considered(const Context& c, Method method) {
  const bool nvls_here = c.fabric.multicast && c.fabric.intra == Interconnect::nvlink_switch &&
                         c.kind == Kind::all_reduce && c.protocol == Protocol::simple;
  switch (method) {
    case Method::ring:
      break;
    case Method::tree:
      if (c.kind != Kind::all_reduce) return false;
      break;
    case Method::nvls:
      return nvls_here && c.group.one_domain() && c.group.members > 2;
    case Method::nvls_tree:
      return nvls_here && !c.group.one_domain() && c.group.uniform() && c.group.most > 2;
  }
  return c.protocol != Protocol::ll128 || ll128_possible(c.fabric, c.group);
}

// Tree corrections by size, and the plateau that rings over the network show.
void correct(const Context& c, Method method, double bytes, Estimate& e) {
  if (method == Method::tree) {
    const auto blocks = static_cast<std::uint64_t>(bytes) >> 6;
    if (blocks > 0) {
      const auto step = std::min(static_cast<int>(std::bit_width(blocks)) - 1, 22);
      e.bandwidth *= kTreeCorrection[c.p()][step];
    }
  }
  const bool plateau = method == Method::ring && c.kind == Kind::all_reduce &&
                       !c.group.one_domain() && c.protocol == Protocol::simple &&
                       bytes / (kChannels * c.group.members) >= 64.0;
  if (plateau) e.latency *= c.fabric.generation == Generation::volta ? 1.9 : 1.4;
}

}  // namespace

bool ll128_possible(const Fabric& fabric, const GroupFacts& group) {
  if (fabric.intra == Interconnect::pcie || fabric.intra == Interconnect::xgmi_mesh) return false;
  // A NIC behind the host bridge rules it out: the usual layout of Slingshot nodes.
  return group.one_domain() || fabric.inter != Network::slingshot;
}

double tuner_seconds(Kind kind, Choice choice, const GroupFacts& group, double bytes,
                     const Fabric& fabric, const ChannelRates& rates,
                     const TunerConstants& constants) {
  const Context context{kind, group, fabric, rates, constants, choice.protocol};
  if (!considered(context, choice.method)) return kInfinity;
  Estimate estimate;
  switch (choice.method) {
    case Method::ring:
      estimate = ring(context);
      break;
    case Method::tree:
      estimate = tree(context);
      break;
    case Method::nvls:
      estimate = nvls(context);
      break;
    case Method::nvls_tree:
      estimate = nvls_tree(context);
      break;
  }
  correct(context, choice.method, bytes, estimate);
  if (estimate.bandwidth <= 0.0) return kInfinity;
  return estimate.latency * kMicro + bytes / estimate.bandwidth;
}

Choice choose(Kind kind, const GroupFacts& group, double bytes, const Fabric& fabric,
              const ChannelRates& rates, const TunerConstants& constants) {
  constexpr std::array kMethods{Method::tree, Method::ring, Method::nvls, Method::nvls_tree};
  constexpr std::array kProtocols{Protocol::ll, Protocol::ll128, Protocol::simple};
  Choice best;
  double least = kInfinity;
  for (const Method method : kMethods) {
    for (const Protocol protocol : kProtocols) {
      const Choice choice{method, protocol};
      const double t = tuner_seconds(kind, choice, group, bytes, fabric, rates, constants);
      if (t < least) {
        least = t;
        best = choice;
      }
    }
  }
  return best;
}

}  // namespace collectives
