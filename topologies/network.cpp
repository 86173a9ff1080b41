#include "topologies/network.hpp"

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/breadth_first_search.hpp>
#include <boost/range/iterator_range.hpp>
#include <vector>

namespace topologies {

namespace {

struct LinkProperty {
  sim::Link link;
  sim::LinkId id;
};

using BoostGraph =
    boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS, Vertex, LinkProperty>;

}  // namespace

struct Network::Graph {
  BoostGraph graph;
  std::size_t link_count = 0;  // num_edges() of a directed adjacency_list is O(V)
};

Network::Network(std::size_t expected_vertices) : graph_(std::make_unique<Graph>()) {
  graph_->graph.m_vertices.reserve(expected_vertices);
}

Network::~Network() = default;

VertexId Network::add(Vertex vertex) { return VertexId{add_vertex(vertex, graph_->graph)}; }

sim::LinkId Network::join(VertexId a, VertexId b, const Cable& cable) {
  BoostGraph& graph = graph_->graph;
  const sim::LinkId there{graph_->link_count};
  graph_->link_count += 2;
  add_edge(a.index(), b.index(), {{cable.capacity, cable.latency_there, cable.kind}, there}, graph);
  add_edge(b.index(), a.index(), {{cable.capacity, cable.latency_back, cable.kind}, reverse(there)},
           graph);
  return there;
}

std::size_t Network::vertex_count() const { return num_vertices(graph_->graph); }

bool Network::connects(std::size_t devices) const {
  const BoostGraph& graph = graph_->graph;
  std::vector<boost::default_color_type> colour(num_vertices(graph), boost::white_color);
  boost::breadth_first_search(graph, vertex(0, graph),
                              boost::color_map(boost::make_iterator_property_map(
                                  colour.begin(), get(boost::vertex_index, graph))));
  for (std::size_t i = 0; i < devices; ++i) {
    if (colour[i] == boost::white_color) return false;
  }
  return true;
}

void Network::freeze(Layout& layout, sim::IdVector<sim::LinkId, sim::Link>& links) const {
  const BoostGraph& graph = graph_->graph;
  layout.vertices.reserve(num_vertices(graph));
  for (std::size_t i = 0; i < num_vertices(graph); ++i) layout.vertices.push_back(graph[i]);
  links.resize(graph_->link_count);
  layout.ends.resize(graph_->link_count);
  for (const auto& edge : boost::make_iterator_range(edges(graph))) {
    const LinkProperty& property = graph[edge];
    links[property.id] = property.link;
    layout.ends[property.id] = {VertexId{source(edge, graph)}, VertexId{target(edge, graph)}};
  }
}

}  // namespace topologies
