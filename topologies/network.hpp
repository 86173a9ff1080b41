// The network while it is being built: a Boost graph (adjacency_list<vecS, vecS, directedS>) of
// vertices and cables, hidden behind this class so that no header shows Boost.
#pragma once

#include <memory>

#include "sim/machine.hpp"
#include "topologies/layout.hpp"

namespace topologies {

// A pair of links, one in each direction, of equal capacity.
struct Cable {
  sim::Bandwidth capacity;  // in each direction
  sim::LinkKind kind = sim::LinkKind::fabric;
  sim::Time latency_there;  // from the first vertex to the second
  sim::Time latency_back;
};

class Network {
 public:
  explicit Network(std::size_t expected_vertices);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  VertexId add(Vertex vertex);
  // Returns the link from a to b; the one back is reverse() of it.
  sim::LinkId join(VertexId a, VertexId b, const Cable& cable);
  std::size_t vertex_count() const;

  // Whether the first `devices` vertices are all in one component.
  bool connects(std::size_t devices) const;
  // Hands out vertices and links, in order of creation; the network is spent afterwards.
  void freeze(Layout& layout, sim::IdVector<sim::LinkId, sim::Link>& links);

 private:
  struct Graph;
  std::unique_ptr<Graph> graph_;
};

}  // namespace topologies
