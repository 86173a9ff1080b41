#include "topologies/forest.hpp"

#include <array>

namespace topologies {

const Forest::Branch& Forest::branch(VertexId vertex) const {
  static constexpr Branch kRoot{};
  return vertex.index() < branches_.size() ? branches_[vertex.index()] : kRoot;
}

void Forest::attach(VertexId child, VertexId parent, sim::LinkId up) {
  const std::uint32_t depth = branch(parent).depth + 1;
  SIM_EXPECTS(depth < kMaxDepth, "the tree of switches is too deep");
  if (child.index() >= branches_.size()) branches_.resize(child.index() + 1);
  branches_[child.index()] = {parent, up, depth};
}

bool Forest::append_route(VertexId from, VertexId to, std::vector<sim::LinkId>& out) const {
  const std::size_t start = out.size();
  std::array<sim::LinkId, kMaxDepth> descent;
  std::size_t descents = 0;
  while (from != to) {
    const Branch& a = branch(from);
    const Branch& b = branch(to);
    if (a.depth == 0 && b.depth == 0) {
      out.resize(start);
      return false;
    }
    if (a.depth >= b.depth) {
      out.push_back(a.up);
      from = a.parent;
    }
    if (b.depth >= a.depth) {
      descent[descents++] = reverse(b.up);
      to = b.parent;
    }
  }
  while (descents > 0) out.push_back(descent[--descents]);
  return true;
}

VertexId Forest::parent(VertexId vertex) const { return branch(vertex).parent; }
sim::LinkId Forest::up(VertexId vertex) const { return branch(vertex).up; }

}  // namespace topologies
