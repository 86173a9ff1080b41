#include "topologies/drawing.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "topologies/layout.hpp"

namespace topologies {

namespace {

std::string digits(double value) {
  std::array<char, 32> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::general, 4);
  return {text.data(), end.ptr};
}

std::string quoted(std::string_view text) {
  std::string made = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') made += '\\';
    made += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return made + '"';
}

std::string_view shape_of(VertexKind kind) {
  switch (kind) {
    case VertexKind::gpu:
      return "box";
    case VertexKind::nic:
      return "house";
    case VertexKind::host:
      return "component";
    default:
      return "ellipse";
  }
}

void write_vertex(const Layout& layout, VertexId vertex, std::string_view indent,
                  std::ostream& out) {
  out << indent << quoted(vertex_name(layout, vertex))
      << " [shape=" << shape_of(layout.vertices[vertex].kind) << "];\n";
}

// The vertices of each server, in order of server, then those of none.
std::vector<VertexId> by_server(const Layout& layout) {
  std::vector<VertexId> order;
  order.reserve(layout.vertices.size());
  for (std::size_t i = 0; i < layout.vertices.size(); ++i) order.push_back(VertexId{i});
  std::stable_sort(order.begin(), order.end(), [&](VertexId a, VertexId b) {
    return layout.vertices[a].node < layout.vertices[b].node;
  });
  return order;
}

}  // namespace

std::string rate_text(sim::Bandwidth rate) {
  const double value = rate.bytes_per_second();
  if (value >= 1e15) return digits(value / 1e15) + " PB/s";
  if (value >= 1e12) return digits(value / 1e12) + " TB/s";
  if (value >= 1e9) return digits(value / 1e9) + " GB/s";
  return digits(value / 1e6) + " MB/s";
}

std::string latency_text(sim::Time latency) { return digits(latency.seconds() * 1e6) + " us"; }

void write_dot(const sim::Machine& machine, std::ostream& out) {
  const Layout& layout = layout_of(machine);
  out << "graph " << quoted(machine.name) << " {\n";
  std::uint32_t open = kNoNode;
  for (const VertexId vertex : by_server(layout)) {
    const std::uint32_t node = layout.vertices[vertex].node;
    if (node != open && open != kNoNode) out << "  }\n";
    if (node != open && node != kNoNode) {
      out << "  subgraph cluster_node" << std::to_string(node) << " {\n    label=\"node"
          << std::to_string(node) << "\";\n";
    }
    open = node;
    write_vertex(layout, vertex, node == kNoNode ? "  " : "    ", out);
  }
  if (open != kNoNode) out << "  }\n";
  for (std::size_t i = 0; i < machine.links.size(); i += 2) {
    const LinkEnds& ends = layout.ends[sim::LinkId{i}];
    out << "  " << quoted(vertex_name(layout, ends.from)) << " -- "
        << quoted(vertex_name(layout, ends.to))
        << " [label=" << quoted(rate_text(machine.links[sim::LinkId{i}].capacity)) << "];\n";
  }
  out << "}\n";
}

}  // namespace topologies
