// The analyses that are Boost.Graph algorithms: maximum flow and shortest paths.
#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/dijkstra_shortest_paths.hpp>
#include <boost/graph/push_relabel_max_flow.hpp>
#include <cmath>

#include "topologies/analysis.hpp"

namespace topologies {

namespace {

using boost::directedS;
using boost::vecS;
using Traits = boost::adjacency_list_traits<vecS, vecS, directedS>;

struct FlowEdge {
  std::int64_t capacity = 0;  // Mb/s
  std::int64_t residual = 0;
  Traits::edge_descriptor reverse;
};
using FlowGraph = boost::adjacency_list<vecS, vecS, directedS, boost::no_property, FlowEdge>;

constexpr double kBytesPerMegabit = 1e6 / 8.0;

// Bounded so that the sums of a million links stay far inside 64 bits: 125 PB/s a link.
std::int64_t megabits(sim::Bandwidth rate) {
  return std::llround(std::min(rate.bytes_per_second() / kBytesPerMegabit, 1e12));
}

// An edge and the reverse of no capacity that the algorithm wants for it (not the cable's other
// link: it tells the two apart by the capacity).
void add_flow_edge(FlowGraph& graph, std::size_t from, std::size_t to, std::int64_t capacity) {
  const auto forth = add_edge(from, to, FlowEdge{capacity, 0, {}}, graph).first;
  const auto back = add_edge(to, from, FlowEdge{}, graph).first;
  graph[forth].reverse = back;
  graph[back].reverse = forth;
}

bool own_link(const Layout& layout, const LinkEnds& ends) {
  const auto at_device = [&](VertexId vertex) {
    const VertexKind kind = layout.vertices[vertex].kind;
    return kind == VertexKind::gpu || kind == VertexKind::nvswitch;
  };
  return at_device(ends.from) && at_device(ends.to);
}

// The machine's links with, as the last two vertices, a source before one group of devices and a
// sink behind the other.
FlowGraph flow_graph(const sim::Machine& machine, std::span<const sim::DeviceId> from,
                     std::span<const sim::DeviceId> to, Wires wires) {
  const Layout& layout = layout_of(machine);
  FlowGraph graph(layout.vertices.size() + 2);
  std::vector<std::int64_t> ports(layout.vertices.size());  // all that can leave a vertex
  for (std::size_t i = 0; i < machine.links.size(); ++i) {
    const LinkEnds& ends = layout.ends[sim::LinkId{i}];
    if (wires == Wires::scale_up && !own_link(layout, ends)) continue;
    const std::int64_t capacity = megabits(machine.links[sim::LinkId{i}].capacity);
    add_flow_edge(graph, ends.from.index(), ends.to.index(), capacity);
    ports[ends.from.index()] += capacity;
  }
  const std::size_t source = layout.vertices.size(), sink = source + 1;
  for (const sim::DeviceId device : from) {
    add_flow_edge(graph, source, device.index(), ports[device.index()]);
  }
  for (const sim::DeviceId device : to) {
    add_flow_edge(graph, device.index(), sink, ports[device.index()]);
  }
  return graph;
}

void expect_apart(std::span<const sim::DeviceId> from, std::span<const sim::DeviceId> to) {
  SIM_EXPECTS(!from.empty() && !to.empty(), "a flow needs devices at both ends");
  std::vector<sim::DeviceId> all(from.begin(), from.end());
  all.insert(all.end(), to.begin(), to.end());
  std::sort(all.begin(), all.end());
  SIM_EXPECTS(std::adjacent_find(all.begin(), all.end()) == all.end(),
              "a device is at both ends of a flow, or twice at one");
}

}  // namespace

sim::Bandwidth max_flow(const sim::Machine& machine, std::span<const sim::DeviceId> from,
                        std::span<const sim::DeviceId> to, Wires wires) {
  expect_apart(from, to);
  FlowGraph graph = flow_graph(machine, from, to, wires);
  const std::size_t source = num_vertices(graph) - 2;
  const std::int64_t flow = boost::push_relabel_max_flow(
      graph, source, source + 1, get(&FlowEdge::capacity, graph), get(&FlowEdge::residual, graph),
      get(&FlowEdge::reverse, graph), get(boost::vertex_index, graph));
  return sim::Bandwidth{static_cast<double>(flow) * kBytesPerMegabit};
}

std::vector<std::uint32_t> fewest_hops(const sim::Machine& machine, sim::DeviceId from) {
  using Graph = boost::adjacency_list<vecS, vecS, directedS>;
  const Layout& layout = layout_of(machine);
  Graph graph(layout.vertices.size());
  for (const LinkEnds& ends : layout.ends) add_edge(ends.from.index(), ends.to.index(), graph);
  std::vector<std::uint32_t> hops(layout.vertices.size());
  const auto index = get(boost::vertex_index, graph);
  boost::dijkstra_shortest_paths(
      graph, from.index(),
      boost::weight_map(boost::make_static_property_map<Traits::edge_descriptor>(std::uint32_t{1}))
          .distance_map(boost::make_iterator_property_map(hops.begin(), index))
          .distance_inf(kUnreachable));
  hops.resize(machine.devices.size());
  return hops;
}

}  // namespace topologies
