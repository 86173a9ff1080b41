// Folding: from the full fleet to one rank a class. See fleet.hpp and docs/folding.md.
#include <algorithm>
#include <bit>
#include <map>

#include <fmt/format.h>

#include "sim/contracts.hpp"
#include "sim/refine.hpp"
#include "strategies/fleet.hpp"

namespace strategies {
namespace {

constexpr std::uint64_t kRankColour = std::uint64_t{1} << 60;
constexpr std::uint64_t kGroupColour = std::uint64_t{2} << 60;
constexpr std::uint64_t kLinkColour = std::uint64_t{3} << 60;

// Numbers distinct values in order of appearance.
template <class Key>
class Numbering {
 public:
  std::uint64_t of(const Key& key) {
    return numbers_.try_emplace(key, numbers_.size()).first->second;
  }

 private:
  std::map<Key, std::uint64_t> numbers_;
};

// The coloured graph whose vertices are ranks, then groups, then the links that groups load.
class FleetGraph {
 public:
  FleetGraph(const Fleet& fleet, const sim::Machine& machine) : fleet_(fleet) {
    std::size_t count = 0;
    for (const Group& group : fleet.groups) {
      count += group.participants.size();
      for (const LinkPattern& pattern : group.patterns) count += pattern.alone.size();
    }
    edges.reserve(count);
    add_ranks(machine);
    add_groups();
    add_links(machine);
  }

  std::vector<std::uint64_t> colours;
  std::vector<sim::LabelledEdge> edges;

  std::uint32_t group_vertex(std::size_t group) const {
    return static_cast<std::uint32_t>(fleet_.ranks.size() + group);
  }
  std::uint32_t link_vertex(sim::LinkId link) const { return link_vertex_[link.index()]; }
  sim::LinkId link_of(std::uint32_t vertex) const {
    return links_[vertex - fleet_.ranks.size() - fleet_.groups.size()];
  }

 private:
  void add_ranks(const sim::Machine& machine) {
    Numbering<std::tuple<std::int64_t, std::uint64_t, std::uint32_t>> roles;
    for (const SimulatedRank& rank : fleet_.ranks) {
      const auto& device = machine.devices[sim::DeviceId{static_cast<std::size_t>(rank.rank)}];
      colours.push_back(
          kRankColour +
          roles.of({rank.stage, std::bit_cast<std::uint64_t>(rank.slowdown), device.device_class}));
    }
  }

  void add_groups() {
    Numbering<std::pair<std::uint64_t, std::size_t>> roles;
    for (std::size_t g = 0; g < fleet_.groups.size(); ++g) {
      const Group& group = fleet_.groups[g];
      const auto kind = static_cast<std::uint64_t>(group.kind);
      colours.push_back(kGroupColour + roles.of({kind, group.shape}));
      const bool directed =
          group.kind == GroupKind::next_stage || group.kind == GroupKind::previous_stage;
      for (std::size_t m = 0; m < group.participants.size(); ++m) {
        const std::uint64_t label = kind * 4 + (directed ? 1 + m : 0);
        edges.push_back({group.participants[m].value(), group_vertex(g), label, label});
      }
    }
  }

  void add_links(const sim::Machine& machine) {
    link_vertex_.assign(machine.links.size(), UINT32_MAX);
    Numbering<std::tuple<std::uint64_t, std::uint64_t, std::int64_t, std::uint8_t>> kinds;
    for (std::size_t g = 0; g < fleet_.groups.size(); ++g) {
      const auto kind = static_cast<std::uint64_t>(fleet_.groups[g].kind);
      for (std::size_t p = 0; p < kPatterns; ++p) {
        for (const sim::LinkUse& use : fleet_.groups[g].patterns[p].alone) {
          std::uint32_t& vertex = link_vertex_[use.link.index()];
          if (vertex == UINT32_MAX) {
            const sim::Link& link = machine.links[use.link];
            vertex = static_cast<std::uint32_t>(colours.size());
            colours.push_back(
                kLinkColour +
                kinds.of({std::bit_cast<std::uint64_t>(link.capacity.bytes_per_second()),
                          std::bit_cast<std::uint64_t>(link.slowdown), link.latency.count(),
                          static_cast<std::uint8_t>(link.kind)}));
            links_.push_back(use.link);
          }
          const auto weight = static_cast<std::uint64_t>(use.weight * 0x1.0p20);
          const std::uint64_t label = (weight * kGroupKinds + kind) * kPatterns + p + 1'000;
          edges.push_back({group_vertex(g), vertex, label, label});
        }
      }
    }
  }

  const Fleet& fleet_;
  std::vector<std::uint32_t> link_vertex_;
  std::vector<sim::LinkId> links_;
};

class Folder {
 public:
  Folder(const Fleet& full, const FleetGraph& graph, const sim::Partition& partition)
      : full_(full),
        graph_(graph),
        partition_(partition),
        rank_of_class_(partition.representative.size()),
        group_of_class_(partition.representative.size(), kNoGroup) {
    folded_.world = full.world;
    folded_.folded = true;
    folded_.shapes = full.shapes;
    choose_ranks();
    choose_groups();
    for (SimulatedRank& rank : folded_.ranks) {
      for (std::uint32_t& group : rank.group) {
        if (group != kNoGroup) group = group_of_class_[class_of(graph_.group_vertex(group))];
      }
    }
    share_links();
  }

  Fleet take() { return std::move(folded_); }

 private:
  std::uint32_t class_of(std::uint32_t vertex) const { return partition_.class_of[vertex]; }
  bool represents(std::uint32_t vertex) const {
    return partition_.representative[class_of(vertex)] == vertex;
  }

  void choose_ranks() {
    for (std::uint32_t r = 0; r < full_.ranks.size(); ++r) {
      if (!represents(r)) continue;
      rank_of_class_[class_of(r)] = sim::RankId{folded_.ranks.size()};
      folded_.ranks.push_back(full_.ranks[r]);
      folded_.ranks.back().class_size = partition_.class_size[class_of(r)];
    }
    for (std::uint32_t r = 0; r < full_.ranks.size(); ++r) {
      folded_.stands_for.push_back(rank_of_class_[class_of(r)]);
    }
  }

  void choose_groups() {
    for (std::size_t g = 0; g < full_.groups.size(); ++g) {
      const std::uint32_t vertex = graph_.group_vertex(g);
      if (!represents(vertex)) continue;
      group_of_class_[class_of(vertex)] = static_cast<std::uint32_t>(folded_.groups.size());
      Group group = full_.groups[g];
      std::vector<sim::RankId> participants;
      for (sim::RankId member : group.participants) {
        const sim::RankId simulated = rank_of_class_[class_of(member.value())];
        if (std::find(participants.begin(), participants.end(), simulated) == participants.end()) {
          participants.push_back(simulated);
        }
      }
      group.participants = std::move(participants);
      for (LinkPattern& pattern : group.patterns) fold_alone(pattern);
      folded_.groups.push_back(std::move(group));
    }
  }

  sim::LinkId stand_in(sim::LinkId link) const {
    return graph_.link_of(partition_.representative[class_of(graph_.link_vertex(link))]);
  }

  // Of the links of one class that a group loads, the one it loads most stands for all.
  void fold_alone(LinkPattern& pattern) const {
    std::map<sim::LinkId, double> heaviest;
    for (const sim::LinkUse& use : pattern.alone) {
      double& weight = heaviest[stand_in(use.link)];
      weight = std::max(weight, use.weight);
    }
    pattern.alone.clear();
    for (const auto& [link, weight] : heaviest) pattern.alone.push_back({link, weight});
    pattern.shared.clear();
  }

  // The load of a whole class of groups on the links that stand for their classes.
  void share_links() {
    std::map<std::tuple<std::uint32_t, std::size_t, sim::LinkId, double>, std::int64_t> counts;
    for (std::size_t g = 0; g < full_.groups.size(); ++g) {
      const std::uint32_t folded = group_of_class_[class_of(graph_.group_vertex(g))];
      for (std::size_t p = 0; p < kPatterns; ++p) {
        for (const sim::LinkUse& use : full_.groups[g].patterns[p].alone) {
          if (represents(graph_.link_vertex(use.link))) ++counts[{folded, p, use.link, use.weight}];
        }
      }
    }
    for (const auto& [key, count] : counts) {
      const auto& [group, index, link, weight] = key;
      LinkPattern& pattern = folded_.groups[group].patterns[index];
      pattern.equals.push_back({{link, weight}, count});
      const double sum = weight * static_cast<double>(count);
      if (pattern.shared.empty() || pattern.shared.back().link != link) {
        pattern.shared.push_back({link, sum});
      } else {
        pattern.shared.back().weight += sum;
      }
    }
  }

  const Fleet& full_;
  const FleetGraph& graph_;
  const sim::Partition& partition_;
  Fleet folded_;
  std::vector<sim::RankId> rank_of_class_;
  std::vector<std::uint32_t> group_of_class_;
};

}  // namespace

Fleet folded_fleet(const models::Model& model, const Training& training, const Plan& plan,
                   const Faults& faults, const sim::Machine& machine) {
  Fleet full = lay_out_fleet(model, training, plan, faults, machine);
  const FleetGraph graph(full, machine);
  const sim::Partition partition = sim::refine(graph.colours, graph.edges);
  SIM_EXPECTS(sim::is_equitable(partition, graph.colours, graph.edges),
              "the partition of ranks, groups and links is not equitable");
  Fleet folded = Folder(full, graph, partition).take();
  if (folded.ranks.size() == full.ranks.size()) {
    full = simulate_all(std::move(full));
    full.certificate = fmt::format("{} ranks, no two alike: each simulated", full.world);
    return full;
  }
  folded.certificate =
      fmt::format("{} ranks -> {} classes, exact", full.world, folded.ranks.size());
  return folded;
}

}  // namespace strategies
