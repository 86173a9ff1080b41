#include "strategies/expand.hpp"

#include <algorithm>

#include "sim/contracts.hpp"

namespace strategies {
namespace {

constexpr std::int64_t kSwitch = -1;  // in place of a device: the switch of the other end's domain

// What one vertex sends another in a round.
struct Message {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::int64_t chunks = 0;
};

std::vector<Message> messages_of(const std::vector<collectives::Send>& round) {
  std::vector<Message> out;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::size_t> known;
  for (const collectives::Send& send : round) {
    const auto [entry, is_new] = known.try_emplace({send.from, send.to}, out.size());
    if (is_new) out.push_back({send.from, send.to, 0});
    ++out[entry->second].chunks;
  }
  return out;
}

}  // namespace

Expansion::Expansion(const Fleet& fleet, const Network& network, LoweredStep& out)
    : fleet_(fleet), network_(network), out_(out) {
  SIM_EXPECTS(!fleet.folded, "step by step, every rank must be simulated");
}

sim::TrafficId Expansion::route(std::int64_t from, std::int64_t to) {
  const auto [entry, is_new] = routes_.try_emplace({from, to});
  if (is_new) {
    const auto device = [](std::int64_t rank) {
      return sim::DeviceId{static_cast<std::size_t>(rank)};
    };
    std::vector<sim::LinkId> links;
    if (from == kSwitch || to == kSwitch) {
      const bool up = to == kSwitch;
      network_.machine->router->switch_route(device(up ? from : to), up, links);
      SIM_EXPECTS(!links.empty(), "a collective in the switch needs devices on a switch");
    } else {
      network_.machine->route(device(from), device(to), links);
    }
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
                                  std::span<const sim::TaskId> before, const sim::HostIssue& host,
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
  const auto members = static_cast<std::uint32_t>(group.members.size());
  const auto device_of = [&](std::uint32_t vertex) {
    return vertex < members ? group.members[vertex] : kSwitch;
  };
  const auto near = [&](const Message& m) {
    return m.from >= members || m.to >= members || domain[m.from] == domain[m.to];
  };
  const sim::TaskId begin = nothing(group, before, host, origin);
  std::vector<std::vector<sim::TaskId>> ready(members + plan.switches, {begin});
  for (const auto& round : plan.rounds) {
    std::vector<std::vector<sim::TaskId>> sent(ready.size());
    std::vector<std::vector<sim::TaskId>> received(ready.size());
    for (const Message& m : messages_of(round)) {
      // A switch sends without a kernel; those of the members run meanwhile, for their own sends.
      const auto kernels = std::span(group.participants)
                               .subspan(m.from < members ? m.from : 0, m.from < members ? 1 : 0);
      const sim::Transfer transfer{kernels,
                                   route(device_of(m.from), device_of(m.to)),
                                   (near(m) ? near_chunk : chunk) * m.chunks,
                                   latency,
                                   {},
                                   price.sm_share};
      const sim::TaskId task = out_.graph.add_transfer(transfer, ready[m.from], {});
      out_.origins.push_back(origin);
      sent[m.from].push_back(task);
      received[m.to].push_back(task);
    }
    // A vertex's own sends waited for all it had: they stand for it.
    for (std::size_t v = 0; v < ready.size(); ++v) {
      if (!sent[v].empty()) ready[v] = std::move(sent[v]);
      ready[v].insert(ready[v].end(), received[v].begin(), received[v].end());
    }
  }
  std::vector<sim::TaskId> last;
  for (const auto& tasks : ready) last.insert(last.end(), tasks.begin(), tasks.end());
  std::sort(last.begin(), last.end());
  last.erase(std::unique(last.begin(), last.end()), last.end());
  const sim::TaskId end = nothing(group, last, {}, origin);
  out_.began.emplace(end, begin);
  return end;
}

sim::TaskId Expansion::nothing(const Group& group, std::span<const sim::TaskId> before,
                               const sim::HostIssue& host, TaskOrigin origin) {
  sim::Transfer empty;
  empty.participants = group.participants;
  empty.traffic = out_.graph.add_traffic({});
  const sim::TaskId task = out_.graph.add_transfer(empty, before, host);
  out_.origins.push_back(origin);
  return task;
}

}  // namespace strategies
