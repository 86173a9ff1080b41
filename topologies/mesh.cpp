#include "topologies/mesh.hpp"

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/dijkstra_shortest_paths.hpp>

namespace topologies {

namespace {

using LocalGraph =
    boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS, boost::no_property,
                          boost::property<boost::edge_weight_t, int>>;

// A hop outweighs any choice among cables; a path is at most kLargestMesh hops of at most kThin.
constexpr int kThin = 840;  // divisible by every usual number of cables
constexpr int kHop = 100 * kThin;

LocalGraph local_graph(const MeshPlan& plan) {
  LocalGraph graph(static_cast<std::size_t>(plan.members));
  for (std::int64_t i = 0; i < plan.members; ++i) {
    for (std::int64_t j = i + 1; j < plan.members; ++j) {
      const int lanes = plan.at(i, j);
      if (lanes > 0) add_edge(i, j, kHop + kThin / lanes, graph);
    }
  }
  return graph;
}

}  // namespace

MeshPlan all_to_all(std::int64_t members, sim::Bandwidth per_device) {
  MeshPlan plan{members, std::vector<int>(members * members, 1), per_device};
  for (std::int64_t i = 0; i < members; ++i) plan.lanes[i * members + i] = 0;
  if (members > 1) plan.lane_rate = per_device * (1.0 / static_cast<double>(members - 1));
  return plan;
}

std::vector<std::uint8_t> next_hops(const MeshPlan& plan) {
  const LocalGraph graph = local_graph(plan);
  const std::size_t n = static_cast<std::size_t>(plan.members);
  std::vector<std::uint8_t> next(n * n);
  for (std::size_t to = 0; to < n; ++to) {
    std::vector<std::size_t> towards(n);  // cables are symmetric: the tree leads back to `to`
    boost::dijkstra_shortest_paths(graph, to,
                                   boost::predecessor_map(boost::make_iterator_property_map(
                                       towards.begin(), get(boost::vertex_index, graph))));
    for (std::size_t from = 0; from < n; ++from) {
      SIM_EXPECTS(from == to || towards[from] != from, "a mesh falls apart");
      next[from * n + to] = static_cast<std::uint8_t>(towards[from]);
    }
  }
  return next;
}

void build_mesh(Assembly& assembly, const MeshPlan& plan) {
  const std::int64_t n = plan.members, gpus = assembly.sizes.gpus;
  const sim::Time latency = assembly.spec.intra_latency;
  std::vector<sim::LinkId> direct(static_cast<std::size_t>(gpus * n));
  for (std::int64_t i = 0; i < gpus; ++i) {
    const std::int64_t base = i / n * n;
    for (std::int64_t j = i + 1; j < std::min(base + n, gpus); ++j) {
      const int lanes = plan.at(i - base, j - base);
      if (lanes == 0) continue;
      const sim::LinkId link =
          assembly.network.join(assembly.gpu(i), assembly.gpu(j),
                                {plan.lane_rate * lanes, sim::LinkKind::nvlink, latency, latency});
      direct[i * n + (j - base)] = link;
      direct[j * n + (i - base)] = reverse(link);
    }
  }
  assembly.scale_up = ScaleUp::mesh(n, std::move(direct), next_hops(plan));
}

void check_mesh_domain(const ClusterSpec& spec, std::vector<std::string>& problems) {
  const std::int64_t domain = Sizes(spec).domain;
  if (spec.gpus_per_node % domain != 0) {
    problems.push_back("a mesh of " + std::to_string(domain) + " GPUs does not fill servers of " +
                       std::to_string(spec.gpus_per_node) +
                       ": cables between GPUs do not leave a server, so the domain must divide it");
  }
  if (domain > kLargestMesh) {
    problems.push_back("a mesh of " + std::to_string(domain) + " GPUs: at most " +
                       std::to_string(kLargestMesh) + " can be cabled to each other");
  }
}

}  // namespace topologies
