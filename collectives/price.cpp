// price(): which algorithm runs and what it takes on idle links.
#include <algorithm>
#include <cmath>

#include "collectives/calibration.hpp"
#include "collectives/cost.hpp"
#include "collectives/group_facts.hpp"
#include "collectives/library.hpp"
#include "collectives/pricing.hpp"
#include "collectives/tuner.hpp"
#include "sim/contracts.hpp"

namespace collectives {
namespace {

struct Occupancy {
  double sms;
  double collective;  // CTAs: one per channel
  double nvls;
  double p2p;
};

// SMs by data sheet; channels as NCCL's logs print them ("24 coll channels, 16 nvls channels, 32
// p2p channels" on H100; Blackwell 32); of the p2p channels a pair of peers uses a few.
Occupancy occupancy(Generation generation) {
  switch (generation) {
    case Generation::volta:
      return {80, 12, 12, 4};
    case Generation::ampere:
      return {108, 24, 24, 4};
    case Generation::hopper:
      return {132, 24, 16, 4};
    case Generation::blackwell:
      return {148, 32, 24, 4};
    case Generation::other:
      return {228, 32, 32, 4};
  }
  return {108, 24, 24, 4};
}

// Between domains the search finds a channel a NIC, which NCCL then doubles: 16 on eight NICs (logs
// of DGX A100 and H100), 2 on a NIC alone.
double sm_share(Kind kind, Method method, const GroupFacts& group, const Fabric& fabric) {
  const Occupancy o = occupancy(fabric.generation);
  if (kind == Kind::send_recv) return o.p2p / o.sms;
  const bool nvls = method == Method::nvls || method == Method::nvls_tree;
  double channels = nvls ? o.nvls : o.collective;
  if (!group.one_domain()) {
    const double nics = std::max(1U, std::min(fabric.nics_per_domain, group.most));
    channels = std::min(channels, 2.0 * nics);
  }
  return channels / o.sms;
}

// The entry of the table whose traffic is what the method puts on the links.
const Algorithm* algorithm_for(Kind kind, Method method, const GroupFacts& group,
                               const Fabric& fabric) {
  if (kind == Kind::send_recv) return find_algorithm("direct");
  if (kind == Kind::all_to_all) {
    // PXN: messages leave by the rail of the destination.
    const bool railed = !group.one_domain() && group.uniform() && group.most > 1;
    return find_algorithm(railed ? "hierarchical" : "direct");
  }
  const bool mesh =
      fabric.intra == Interconnect::nvlink_mesh || fabric.intra == Interconnect::xgmi_mesh;
  // The rings of all channels together load every pair of a full mesh alike.
  if (mesh && group.one_domain() && kind != Kind::broadcast) return find_algorithm("direct");
  switch (method) {
    case Method::ring:
      return find_algorithm("ring");
    case Method::tree:
      return find_algorithm("tree");
    case Method::nvls:
      return find_algorithm("nvls");
    case Method::nvls_tree:
      return find_algorithm("nvls_tree");
  }
  return find_algorithm("ring");
}

Price to_price(Kind kind, Choice choice, const Cost& cost, const GroupFacts& group,
               const Fabric& fabric) {
  Price price;
  price.algorithm = algorithm_for(kind, choice.method, group, fabric);
  price.protocol = kProtocolNames[static_cast<std::size_t>(choice.protocol)];
  price.latency = sim::Time::from_seconds(cost.latency);
  price.transfer = sim::Time::from_seconds(cost.transfer);
  price.sm_share = sm_share(kind, choice.method, group, fabric);
  return price;
}

}  // namespace

Price price_with(const ModelConstants& constants, Kind kind, const GroupFacts& group,
                 sim::Bytes bytes, const Fabric& fabric, const LibraryProfile& library) {
  const double amount = bytes.as_double();
  const bool pairs = kind == Kind::all_to_all || kind == Kind::send_recv;
  if (group.members < 2) return to_price(kind, {}, {}, group, fabric);
  if (library.ideal) {
    Price price = to_price(kind, {}, ideal_cost(kind, group, amount, fabric), group, fabric);
    price.sm_share = 0.0;
    return price;
  }
  if (pairs) {
    return to_price(kind, {}, p2p_cost(kind, group, amount, fabric, constants), group, fabric);
  }
  const TunerConstants& tuner = tuner_constants(library.version);
  const ChannelRates rates = channel_rates(group, fabric);
  const Choice choice = choose(kind, group, amount, fabric, rates, tuner);
  return to_price(kind, choice, method_cost(kind, choice, group, amount, fabric, constants), group,
                  fabric);
}

Price price(Kind kind, const GroupShape& shape, sim::Bytes bytes, const Fabric& fabric,
            const LibraryProfile& library, Call call) {
  const GroupFacts group = group_facts(shape);
  Price result = price_with(model_constants(), kind, group, bytes, fabric, library);
  if (!library.calibration.empty() && group.members > 1) {
    calibrate(kind, group, bytes, call, library.calibration, result);
  }
  return result;
}

}  // namespace collectives
