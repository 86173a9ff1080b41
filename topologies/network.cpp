#include "topologies/network.hpp"

#include <boost/graph/adjacency_list.hpp>
#include <boost/pending/disjoint_sets.hpp>
#include <boost/range/iterator_range.hpp>
#include <vector>

namespace topologies {

namespace {

// One edge a cable: Boost allocates each on its own, which is most of the time of a build. What the
// two links of a cable are stands in arrays by link id.
using BoostGraph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS, Vertex>;

}  // namespace

struct Network::Graph {
  BoostGraph graph;
  sim::IdVector<sim::LinkId, sim::Link> links;
  sim::IdVector<sim::LinkId, LinkEnds> ends;
};

Network::Network(std::size_t expected_vertices) : graph_(std::make_unique<Graph>()) {
  graph_->graph.m_vertices.reserve(expected_vertices);
  graph_->links.reserve(4 * expected_vertices);  // most vertices have two cables, of two links
  graph_->ends.reserve(4 * expected_vertices);
}

Network::~Network() = default;

VertexId Network::add(Vertex vertex) { return VertexId{add_vertex(vertex, graph_->graph)}; }

sim::LinkId Network::join(VertexId a, VertexId b, const Cable& cable) {
  add_edge(a.index(), b.index(), graph_->graph);
  const sim::LinkId there =
      graph_->links.push_back({cable.capacity, cable.latency_there, cable.kind});
  graph_->links.push_back({cable.capacity, cable.latency_back, cable.kind});
  graph_->ends.push_back({a, b});
  graph_->ends.push_back({b, a});
  return there;
}

std::size_t Network::vertex_count() const { return num_vertices(graph_->graph); }

bool Network::connects(std::size_t devices) const {
  const BoostGraph& graph = graph_->graph;
  std::vector<std::uint32_t> rank(num_vertices(graph));
  std::vector<std::size_t> parent(num_vertices(graph));
  boost::disjoint_sets<std::uint32_t*, std::size_t*> sets(rank.data(), parent.data());
  for (std::size_t v = 0; v < num_vertices(graph); ++v) sets.make_set(v);
  for (std::size_t v = 0; v < num_vertices(graph); ++v) {
    for (const auto& edge : boost::make_iterator_range(out_edges(v, graph))) {
      sets.union_set(v, target(edge, graph));
    }
  }
  for (std::size_t v = 1; v < devices; ++v) {
    if (sets.find_set(v) != sets.find_set(std::size_t{0})) return false;
  }
  return true;
}

void Network::freeze(Layout& layout, sim::IdVector<sim::LinkId, sim::Link>& links) {
  const BoostGraph& graph = graph_->graph;
  layout.vertices.reserve(num_vertices(graph));
  for (std::size_t i = 0; i < num_vertices(graph); ++i) layout.vertices.push_back(graph[i]);
  layout.ends = std::move(graph_->ends);
  links = std::move(graph_->links);
}

}  // namespace topologies
