// What a Machine's links connect: the vertices of the network graph and the ends of every link,
// with names that are computed on demand (a 24,576-GPU machine has 230,000 links).
//
// Invariant: links come in pairs, 2k from a to b and 2k+1 from b to a: see reverse().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/ids.hpp"
#include "sim/machine.hpp"

namespace topologies {

using VertexId = sim::Id<struct VertexTag>;

// The first n vertices of a layout are its n devices, in order.
enum class VertexKind : std::uint8_t { gpu, nvswitch, pcie_switch, host, nic, leaf, spine, core };
inline constexpr std::size_t kVertexKinds = 8;
std::string_view name(VertexKind kind);

inline constexpr std::uint32_t kNoNode = ~std::uint32_t{0};

struct Vertex {
  VertexKind kind = VertexKind::gpu;
  std::uint32_t node = kNoNode;  // the server that holds it; kNoNode for switches of the network
  std::uint32_t index = 0;       // inside its server, or among all of its kind
};

struct LinkEnds {
  VertexId from;
  VertexId to;
};

inline sim::LinkId reverse(sim::LinkId link) { return sim::LinkId{link.value() ^ 1U}; }
inline VertexId vertex_of(sim::DeviceId device) { return VertexId{device.index()}; }

struct Layout {
  sim::IdVector<VertexId, Vertex> vertices;
  sim::IdVector<sim::LinkId, LinkEnds> ends;
};

// The router of every machine that build_machine() makes: it knows the layout too.
class LayoutRouter : public sim::Router {
 public:
  explicit LayoutRouter(Layout layout) : layout_(std::move(layout)) {}
  const Layout& layout() const { return layout_; }

 private:
  Layout layout_;
};

// REQUIRES: a machine of build_machine().
const Layout& layout_of(const sim::Machine& machine);

// "gpu17", "node2/nic1", "leaf4": stable names, unique in a machine.
std::string vertex_name(const Layout& layout, VertexId vertex);
// "node2/nic1->leaf4".
std::string link_name(const sim::Machine& machine, sim::LinkId link);
// The links whose name matches; '*' stands for any run of characters. In order of their ids.
std::vector<sim::LinkId> find_links(const sim::Machine& machine, std::string_view pattern);

}  // namespace topologies
