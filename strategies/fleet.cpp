#include "strategies/fleet.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "sim/contracts.hpp"
#include "strategies/expert_load.hpp"
#include "strategies/fleet_kinds.hpp"

namespace strategies {
namespace {

// Buffer for which loads are measured: divisible by every group size that occurs in practice.
constexpr std::int64_t kNominalBytes = std::int64_t{1} << 40;

// Deterministic noise in [-3, 3] with mean 0 and variance 1 (sum of twelve uniforms), by counter.
double noise(std::uint64_t seed, std::uint64_t entity) {
  double sum = -6.0;
  for (std::uint64_t i = 0; i < 12; ++i) {
    std::uint64_t z = seed * 0x9E3779B97F4A7C15ULL + entity * 0xBF58476D1CE4E5B9ULL + i + 1;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    sum += static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1.0p-53;
  }
  return std::clamp(sum, -3.0, 3.0);
}

class Builder {
 public:
  Builder(const models::Model& model, const Training& training, const Plan& plan,
          const Faults& faults, const sim::Machine& machine)
      : plan_(plan),
        model_(model),
        machine_(machine),
        ring_(collectives::find_algorithm("ring")),
        dense_(dense_mesh(plan)),
        expert_(expert_mesh(plan)) {
    fleet_.world = plan.world_size();
    SIM_EXPECTS(static_cast<std::int64_t>(machine.devices.size()) >= fleet_.world,
                "more ranks than devices");
    for (std::size_t d = machine.devices.size(); d-- > 0;) {
      const std::uint32_t domain = machine.devices[sim::DeviceId{d}].nvlink_domain;
      if (domain >= first_of_domain_.size()) first_of_domain_.resize(domain + std::size_t{1});
      first_of_domain_[domain] = static_cast<std::uint32_t>(d);
    }
    seen_.resize(first_of_domain_.size());
    add_ranks(faults);
    for (GroupKind kind : kinds_in_use(model, training, plan)) add_groups(kind);
  }

  Fleet take() { return std::move(fleet_); }

 private:
  void add_ranks(const Faults& faults) {
    fleet_.ranks.resize(static_cast<std::size_t>(fleet_.world));
    for (std::int64_t r = 0; r < fleet_.world; ++r) {
      SimulatedRank& rank = fleet_.ranks[static_cast<std::size_t>(r)];
      rank.rank = r;
      fleet_.stands_for.push_back(sim::RankId{static_cast<std::size_t>(r)});
      rank.stage = dense_.coordinate(r, Axis::pp);
      rank.group.fill(kNoGroup);
      if (faults.jitter > 0.0) {
        rank.slowdown += faults.jitter * noise(faults.seed, static_cast<std::uint64_t>(r));
      }
    }
    for (const auto& slow : faults.slow_ranks) {
      if (slow.rank < fleet_.world) {
        fleet_.ranks[static_cast<std::size_t>(slow.rank)].slowdown *= slow.factor;
      }
    }
  }

  void add_groups(GroupKind kind) {
    const auto slot = static_cast<std::size_t>(kind);
    for (std::int64_t r = 0; r < fleet_.world; ++r) {
      if (fleet_.ranks[static_cast<std::size_t>(r)].group[slot] != kNoGroup) continue;
      Group group;
      group.kind = kind;
      group.members = group_members(plan_, dense_, expert_, kind, r);
      if (group.members.size() < 2 && !is_with_host(kind)) continue;
      const auto index = static_cast<std::uint32_t>(fleet_.groups.size());
      group.participants.reserve(group.members.size());
      for (std::int64_t member : group.members) {
        group.participants.push_back(sim::RankId{static_cast<std::size_t>(member)});
        // A rank has many p2p groups as receiver; its own is the one it sends on.
        if (!point_to_point(kind) || member == r) {
          fleet_.ranks[static_cast<std::size_t>(member)].group[slot] = index;
        }
      }
      describe(group);
      fleet_.groups.push_back(std::move(group));
    }
  }

  void describe(Group& group) {
    collectives::GroupShape& shape = shape_;
    shape.domain.clear();
    shape.local.clear();
    for (std::int64_t member : group.members) {
      const auto& device = machine_.devices[sim::DeviceId{static_cast<std::size_t>(member)}];
      shape.domain.push_back(device.nvlink_domain);
      shape.local.push_back(static_cast<std::uint32_t>(member) -
                            first_of_domain_[device.nvlink_domain]);
    }
    for (std::size_t p = 0; p < kPatterns; ++p) {
      const auto pattern = static_cast<Pattern>(p);
      if (uses_pattern(group.kind, pattern, plan_)) {
        group.patterns[p] = load_links(group, shape, pattern);
      }
    }
    group.shape = shape_index(shape);
  }

  LinkPattern load_links(const Group& group, const collectives::GroupShape& shape,
                         Pattern pattern) {
    if (is_with_host(group.kind)) return host_links(group);
    std::vector<collectives::Edge>& edges = edges_;
    if (point_to_point(group.kind)) {
      edges.assign(1, {0, 1, sim::Bytes{kNominalBytes}});
    } else if (pattern == Pattern::railed) {
      edges = railed_edges(shape);
    } else if (pattern == Pattern::direct) {
      edges = collectives::find_algorithm("direct")->traffic(collectives::Kind::all_to_all, shape,
                                                             sim::Bytes{kNominalBytes});
    } else {
      edges = ring_->traffic(collectives::Kind::all_gather, shape, sim::Bytes{kNominalBytes});
    }
    loads_.clear();
    for (const collectives::Edge& edge : edges) {
      const auto device = [&](std::uint32_t member) {
        return sim::DeviceId{static_cast<std::size_t>(group.members[member])};
      };
      machine_.route(device(edge.from), device(edge.to), route_);
      for (sim::LinkId link : route_) loads_.emplace_back(link, edge.bytes.as_double());
    }
    return normalised();
  }

  // A buffer goes to the nodes in equal parts, along the rails; inside its node a member hands on
  // as many copies as its tokens have experts.
  std::vector<collectives::Edge> railed_edges(const collectives::GroupShape& shape) const {
    const models::Moe& moe = *model_.transformer()->moe;
    std::map<std::uint32_t, std::uint32_t> members_of;
    for (const std::uint32_t domain : shape.domain) ++members_of[domain];
    const auto domains = static_cast<std::int64_t>(members_of.size());
    const double forwarded =
        static_cast<double>(moe.top_k) / visited_domains(moe, domains) * kNominalBytes;
    std::vector<collectives::Edge> edges;
    for (std::uint32_t from = 0; from < shape.size(); ++from) {
      for (std::uint32_t to = 0; to < shape.size(); ++to) {
        const bool near = shape.domain[from] == shape.domain[to];
        if (from == to || (!near && shape.local[from] != shape.local[to])) continue;
        const double part = near
                                ? forwarded / members_of[shape.domain[from]]
                                : static_cast<double>(kNominalBytes) / static_cast<double>(domains);
        edges.push_back({from, to, sim::Bytes::ceil(part)});
      }
    }
    return edges;
  }

  LinkPattern host_links(const Group& group) {
    loads_.clear();
    if (group.kind == GroupKind::host) return {};
    const sim::DeviceId device{static_cast<std::size_t>(group.members[0])};
    machine_.router->host_route(device, group.kind == GroupKind::to_host, route_);
    for (sim::LinkId link : route_) loads_.emplace_back(link, static_cast<double>(kNominalBytes));
    return normalised();
  }

  // Sums the loads of each link and divides by the largest.
  LinkPattern normalised() {
    std::sort(loads_.begin(), loads_.end());
    std::size_t kept = 0;
    for (std::size_t i = 0; i < loads_.size(); ++i) {
      if (kept > 0 && loads_[kept - 1].first == loads_[i].first) {
        loads_[kept - 1].second += loads_[i].second;
      } else {
        loads_[kept++] = loads_[i];
      }
    }
    loads_.resize(kept);
    LinkPattern out;
    double most = 0.0;
    for (const auto& [link, bytes] : loads_) most = std::max(most, bytes);
    out.load = most / static_cast<double>(kNominalBytes);
    out.alone.reserve(loads_.size());
    for (const auto& [link, bytes] : loads_) out.alone.push_back({link, sim::dyadic(bytes / most)});
    return out;
  }

  // Groups whose members lie alike share one shape: domains are renumbered by first appearance,
  // places inside a domain counted from the first one used.
  std::size_t shape_index(collectives::GroupShape& shape) {
    const std::uint32_t first = *std::min_element(shape.local.begin(), shape.local.end());
    for (std::uint32_t& local : shape.local) local -= first;
    ++shapes_so_far_;
    std::uint32_t domains = 0;
    for (std::uint32_t& domain : shape.domain) {
      auto& [seen_in, number] = seen_[domain];
      if (seen_in != shapes_so_far_) {
        seen_in = shapes_so_far_;
        number = domains++;
      }
      domain = number;
    }
    auto& [key_domain, key_local] = shape_key_;
    key_domain = shape.domain;
    key_local = shape.local;
    const auto known = shapes_.find(shape_key_);
    if (known != shapes_.end()) return known->second;
    shapes_.emplace(shape_key_, fleet_.shapes.size());
    fleet_.shapes.push_back(shape);
    return fleet_.shapes.size() - 1;
  }

  const Plan& plan_;
  const models::Model& model_;
  const sim::Machine& machine_;
  const collectives::Algorithm* ring_;
  Mesh dense_;
  Mesh expert_;
  Fleet fleet_;
  std::vector<std::uint32_t> first_of_domain_;  // index of its first device
  std::vector<sim::LinkId> route_;
  std::vector<std::pair<sim::LinkId, double>> loads_;
  std::vector<collectives::Edge> edges_;
  collectives::GroupShape shape_;
  using ShapeKey = std::pair<std::vector<std::uint32_t>, std::vector<std::uint32_t>>;
  ShapeKey shape_key_;
  std::map<ShapeKey, std::size_t> shapes_;
  std::uint32_t shapes_so_far_ = 0;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> seen_;  // per domain: in which, as which
};

}  // namespace

Fleet lay_out_fleet(const models::Model& model, const Training& training, const Plan& plan,
                    const Faults& faults, const sim::Machine& machine) {
  return Builder(model, training, plan, faults, machine).take();
}

Fleet simulate_all(Fleet fleet) {
  for (Group& group : fleet.groups) {
    for (LinkPattern& pattern : group.patterns) pattern.shared = pattern.alone;
  }
  fleet.certificate = fmt::format("{} ranks, each simulated", fleet.world);
  return fleet;
}

Fleet full_fleet(const models::Model& model, const Training& training, const Plan& plan,
                 const Faults& faults, const sim::Machine& machine) {
  return simulate_all(lay_out_fleet(model, training, plan, faults, machine));
}

}  // namespace strategies
