// Prices a communication of a group as the engine's Transfer: the library's latency and sustained
// rate, and how it loads links. Remembers what it has priced.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <unordered_map>
#include <vector>

#include "collectives/group_facts.hpp"
#include "sim/simulate.hpp"
#include "sim/task_graph.hpp"
#include "strategies/lower.hpp"

namespace strategies {

class TransferPrices {
 public:
  // Registers link patterns with `graph` as they are needed.
  TransferPrices(const Fleet& fleet, const Network& network, sim::Fidelity fidelity,
                 sim::TaskGraph& graph);

  // `slowdown` lengthens the transfer beyond its price (communication beside compute).
  sim::Transfer transfer(const Group& group, const Op& op, double slowdown);

  // Where the prices so far came from.
  const std::set<PricedGroup>& sources() const { return sources_; }

 private:
  class Load;
  struct Priced {
    sim::Bytes bytes;
    sim::Time latency;
    sim::Bandwidth rate_cap;
    double compute_share = 0.0;
    sim::TrafficId traffic;
  };
  struct Key {
    std::uint64_t what = 0;  // group, kind, whether it is overlapped
    std::int64_t bytes = 0, forwarded = 0;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const {
      std::uint64_t hash = key.what * 0x9E3779B97F4A7C15ULL;
      hash = (hash ^ static_cast<std::uint64_t>(key.bytes)) * 0x9E3779B97F4A7C15ULL;
      return (hash ^ static_cast<std::uint64_t>(key.forwarded)) * 0x9E3779B97F4A7C15ULL >> 13;
    }
  };

  Priced price(const Group& group, const Op& op, Pattern pattern, double slowdown);
  Priced price_with_host(const Group& group, const Op& op);
  void note(collectives::Kind kind, const collectives::GroupShape& shape,
            collectives::PriceSource source);
  collectives::Price library_price(const Group& group, const Op& op) const;
  sim::Time nvme_time(sim::Bytes bytes) const;
  sim::TrafficId traffic(const Group& group, Pattern pattern);
  sim::TrafficId scaled_traffic(const LinkPattern& links, const std::vector<sim::LinkUse>& alone,
                                const Load& load);

  const Fleet& fleet_;
  const Network& network_;
  sim::Fidelity fidelity_;
  sim::TaskGraph& graph_;
  std::unordered_map<Key, Priced, KeyHash> priced_;  // looked up only, never walked
  std::set<PricedGroup> sources_;
  std::map<std::pair<std::size_t, Pattern>, sim::TrafficId> traffic_;
};

}  // namespace strategies
