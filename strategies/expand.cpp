#include "strategies/expand.hpp"

#include <algorithm>

#include "sim/contracts.hpp"

namespace strategies {

Expansion::Expansion(const Fleet& fleet, const Network& network, LoweredStep& out)
    : fleet_(fleet), network_(network), out_(out) {
  SIM_EXPECTS(!fleet.folded, "step by step, every rank must be simulated");
}

sim::TrafficId Expansion::route(std::int64_t from, std::int64_t to) {
  const auto [entry, is_new] = routes_.try_emplace({from, to});
  if (is_new) {
    std::vector<sim::LinkId> links;
    network_.machine->route(sim::DeviceId{static_cast<std::size_t>(from)},
                            sim::DeviceId{static_cast<std::size_t>(to)}, links);
    std::vector<sim::LinkUse> uses;
    for (sim::LinkId link : links) uses.push_back({link, 1.0});
    entry->second = out_.graph.add_traffic(uses);
  }
  return entry->second;
}

const collectives::Schedule& Expansion::schedule(const Group& group, collectives::Kind kind,
                                                 const collectives::Algorithm* algorithm) {
  auto [entry, is_new] = schedules_.try_emplace({group.shape, kind, algorithm});
  if (is_new) entry->second = algorithm->schedule(kind, fleet_.shapes[group.shape]);
  return entry->second;
}

sim::TaskId Expansion::collective(const Group& group, const Op& op,
                                  std::span<const sim::TaskId> before, sim::HostIssue host,
                                  TaskOrigin origin) {
  const collectives::Price price = collectives::price(op.collective, fleet_.shapes[group.shape],
                                                      op.bytes, network_.fabric, network_.library);
  SIM_EXPECTS(price.algorithm != nullptr, "a collective of several members has an algorithm");
  const collectives::Schedule& plan = schedule(group, op.collective, price.algorithm);
  const auto rounds = static_cast<std::int64_t>(std::max<std::size_t>(1, plan.rounds.size()));
  // The library's latency is spread over the rounds; links limit the rest.
  const sim::Time latency = sim::Time::ps((price.latency.count() + rounds - 1) / rounds);
  const auto chunk_of = [&](sim::Bytes bytes) {
    return sim::Bytes::ceil(bytes.as_double() / static_cast<double>(plan.chunks));
  };
  const sim::Bytes chunk = chunk_of(op.bytes);
  // A node-limited exchange carries more inside the nodes than between them.
  const sim::Bytes near_chunk = op.forwarded.count() > 0 ? chunk_of(op.forwarded) : chunk;
  const auto& domain = fleet_.shapes[group.shape].domain;
  std::vector<std::vector<sim::TaskId>> ready(
      group.members.size(), std::vector<sim::TaskId>(before.begin(), before.end()));
  for (const auto& round : plan.rounds) {
    std::vector<std::vector<sim::TaskId>> sent(ready.size());
    std::vector<std::vector<sim::TaskId>> received(ready.size());
    for (const collectives::Send& send : round) {
      const sim::Transfer transfer{std::span(&group.participants[send.from], 1),
                                   route(group.members[send.from], group.members[send.to]),
                                   domain[send.from] == domain[send.to] ? near_chunk : chunk,
                                   latency,
                                   {},
                                   price.sm_share};
      const sim::TaskId task = out_.graph.add_transfer(transfer, ready[send.from], host, 0);
      out_.origins.push_back(origin);
      sent[send.from].push_back(task);
      received[send.to].push_back(task);
    }
    // A member's own sends waited for all it had: they stand for it.
    for (std::size_t m = 0; m < ready.size(); ++m) {
      if (!sent[m].empty()) ready[m] = std::move(sent[m]);
      ready[m].insert(ready[m].end(), received[m].begin(), received[m].end());
    }
  }
  return end_of(group, ready, origin);
}

sim::TaskId Expansion::end_of(const Group& group,
                              const std::vector<std::vector<sim::TaskId>>& ready,
                              TaskOrigin origin) {
  std::vector<sim::TaskId> last;
  for (const auto& tasks : ready) last.insert(last.end(), tasks.begin(), tasks.end());
  std::sort(last.begin(), last.end());
  last.erase(std::unique(last.begin(), last.end()), last.end());
  sim::Transfer nothing;
  nothing.participants = group.participants;
  nothing.traffic = out_.graph.add_traffic({});
  const sim::TaskId end = out_.graph.add_transfer(nothing, last, {}, 0);
  out_.origins.push_back(origin);
  return end;
}

}  // namespace strategies
