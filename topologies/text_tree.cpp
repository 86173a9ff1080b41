#include <algorithm>
#include <string>
#include <vector>

#include "topologies/drawing.hpp"
#include "topologies/layout.hpp"

namespace topologies {

namespace {

// "24,576".
std::string grouped(std::size_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

// How far up the tree a kind is; children are lower, parents higher, equals are side by side.
int level(VertexKind kind) {
  switch (kind) {
    case VertexKind::gpu:
    case VertexKind::nic:
      return 0;
    case VertexKind::pcie_switch:
    case VertexKind::nvswitch:
      return 1;
    case VertexKind::leaf:
    case VertexKind::host:
      return 2;
    case VertexKind::spine:
      return 3;
    case VertexKind::core:
      return 4;
  }
  return 0;
}

// Neighbours in compressed rows.
class Adjacency {
 public:
  explicit Adjacency(const Layout& layout) : begin_(layout.vertices.size() + 1) {
    for (const LinkEnds& ends : layout.ends) ++begin_[ends.from.index() + 1];
    for (std::size_t i = 1; i < begin_.size(); ++i) begin_[i] += begin_[i - 1];
    links_.resize(layout.ends.size());
    std::vector<std::size_t> next(begin_.begin(), begin_.end() - 1);
    for (std::size_t i = 0; i < layout.ends.size(); ++i) {
      const sim::LinkId link{i};
      links_[next[layout.ends[link].from.index()]++] = link;
    }
  }

  std::vector<sim::LinkId> out_of(VertexId vertex) const {
    return {links_.begin() + static_cast<std::ptrdiff_t>(begin_[vertex.index()]),
            links_.begin() + static_cast<std::ptrdiff_t>(begin_[vertex.index() + 1])};
  }

 private:
  std::vector<std::size_t> begin_;
  std::vector<sim::LinkId> links_;
};

struct Branch {  // neighbours of one kind over equal links
  sim::LinkId first;
  std::size_t count = 0;
};

class TreePainter {
 public:
  explicit TreePainter(const sim::Machine& machine)
      : machine_(machine), layout_(layout_of(machine)), adjacency_(layout_) {}

  std::string paint() {
    text_ = machine_.name.empty() ? "cluster" : machine_.name;
    text_ += ": " + grouped(machine_.devices.size()) + " devices\n";
    paint_from(top_of_network());
    paint_from(first_of(VertexKind::host));
    paint_peers();
    return text_;
  }

 private:
  VertexId first_of(VertexKind kind) const {
    for (std::size_t i = 0; i < layout_.vertices.size(); ++i) {
      if (layout_.vertices[VertexId{i}].kind == kind) return VertexId{i};
    }
    return VertexId::none();
  }

  VertexId top_of_network() const {
    for (const VertexKind kind : {VertexKind::core, VertexKind::spine, VertexKind::leaf}) {
      const VertexId found = first_of(kind);
      if (found.valid()) return found;
    }
    return VertexId::none();
  }

  // Neighbours below a vertex (or beside it, for a device's own links), equal ones together.
  std::vector<Branch> branches(VertexId vertex, bool below) const {
    std::vector<Branch> found;
    const int own = level(layout_.vertices[vertex].kind);
    for (const sim::LinkId link : adjacency_.out_of(vertex)) {
      const VertexKind kind = layout_.vertices[layout_.ends[link].to].kind;
      if (below ? level(kind) >= own : machine_.links[link].kind == sim::LinkKind::pcie) continue;
      const auto same = std::find_if(found.begin(), found.end(), [&](const Branch& branch) {
        return alike(branch.first, link);
      });
      if (same == found.end()) {
        found.push_back({link, 1});
      } else {
        ++same->count;
      }
    }
    return found;
  }

  bool alike(sim::LinkId a, sim::LinkId b) const {
    const sim::Link& x = machine_.links[a];
    const sim::Link& y = machine_.links[b];
    return layout_.vertices[layout_.ends[a].to].kind == layout_.vertices[layout_.ends[b].to].kind &&
           x.capacity == y.capacity && x.latency == y.latency;
  }

  void paint_branches(const std::vector<Branch>& found, const std::string& margin, bool deeper) {
    for (std::size_t i = 0; i < found.size(); ++i) {
      const bool last = i + 1 == found.size();
      const sim::Link& link = machine_.links[found[i].first];
      const VertexId child = layout_.ends[found[i].first].to;
      text_ += margin + (last ? "└─ " : "├─ ") + grouped(found[i].count) + " x " +
               std::string(name(layout_.vertices[child].kind)) + ", " + rate_text(link.capacity) +
               ", " + latency_text(link.latency) + "\n";
      if (deeper) {
        paint_branches(branches(child, true), margin + (last ? "   " : "│  "), true);
      }
    }
  }

  void paint_from(VertexId root) {
    if (!root.valid()) return;
    text_ += vertex_name(layout_, root) + "\n";
    paint_branches(branches(root, true), "", true);
  }

  void paint_peers() {
    const VertexId gpu{0};
    const std::vector<Branch> own = branches(gpu, false);
    if (own.empty()) return;
    text_ += vertex_name(layout_, gpu) + "\n";
    paint_branches(own, "", false);
  }

  const sim::Machine& machine_;
  const Layout& layout_;
  Adjacency adjacency_;
  std::string text_;
};

}  // namespace

std::string text_tree(const sim::Machine& machine) { return TreePainter(machine).paint(); }

}  // namespace topologies
