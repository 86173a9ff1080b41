// A forest over the vertices of a layout, with routes through the lowest common ancestor.
//
// Two of them describe a machine: the PCIe trees inside servers, and the switch levels between
// NICs. Grown from the roots down; a route costs O(depth) and allocates nothing but its result.
#pragma once

#include <cstdint>
#include <vector>

#include "topologies/layout.hpp"

namespace topologies {

class Forest {
 public:
  // `up` is the link from child to parent. REQUIRES: the parent is a root or already attached.
  void attach(VertexId child, VertexId parent, sim::LinkId up);

  // Appends the links from one vertex to another; false and nothing where no tree holds both.
  bool append_route(VertexId from, VertexId to, std::vector<sim::LinkId>& out) const;

  // VertexId::none() for roots.
  VertexId parent(VertexId vertex) const;
  sim::LinkId up(VertexId vertex) const;

 private:
  struct Branch {
    VertexId parent;
    sim::LinkId up;
    std::uint32_t depth = 0;
  };
  static constexpr std::size_t kMaxDepth = 8;

  const Branch& branch(VertexId vertex) const;

  std::vector<Branch> branches_;  // by vertex; shorter than the layout where the rest are roots
};

}  // namespace topologies
