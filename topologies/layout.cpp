#include "topologies/layout.hpp"

#include <array>

namespace topologies {

namespace {

constexpr std::array<std::string_view, kVertexKinds> kKindNames{"gpu", "nvswitch", "pcie",  "cpu",
                                                                "nic", "leaf",     "spine", "core"};

// Greedy matching with one point to fall back to: linear in practice, no recursion.
bool matches(std::string_view text, std::string_view pattern) {
  std::size_t t = 0, p = 0;
  std::size_t star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::string ends_name(const Layout& layout, const LinkEnds& ends) {
  return vertex_name(layout, ends.from) + "->" + vertex_name(layout, ends.to);
}

}  // namespace

std::string_view name(VertexKind kind) { return kKindNames[static_cast<std::size_t>(kind)]; }

const Layout& layout_of(const sim::Machine& machine) {
  const auto* router = dynamic_cast<const LayoutRouter*>(machine.router.get());
  SIM_EXPECTS(router != nullptr, "the machine was not made by topologies::build_machine");
  return router->layout();
}

std::string vertex_name(const Layout& layout, VertexId vertex) {
  const Vertex& v = layout.vertices[vertex];
  const std::string own = std::string(name(v.kind)) + std::to_string(v.index);
  if (v.node == kNoNode || v.kind == VertexKind::gpu) return own;
  return "node" + std::to_string(v.node) + "/" + own;
}

std::string link_name(const sim::Machine& machine, sim::LinkId link) {
  const Layout& layout = layout_of(machine);
  return ends_name(layout, layout.ends[link]);
}

std::vector<sim::LinkId> find_links(const sim::Machine& machine, std::string_view pattern) {
  const Layout& layout = layout_of(machine);
  std::vector<sim::LinkId> found;
  for (std::size_t i = 0; i < layout.ends.size(); ++i) {
    const sim::LinkId link{i};
    if (matches(ends_name(layout, layout.ends[link]), pattern)) found.push_back(link);
  }
  return found;
}

}  // namespace topologies
