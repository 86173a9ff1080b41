// The certificate of folding, checked by the definition and without refine()'s code: every vertex
// must see the same multiset of (label, class) as the representative of its class.
#include <algorithm>
#include <utility>

#include "sim/refine.hpp"

namespace sim {
namespace {

using Sight = std::pair<std::uint64_t, std::uint32_t>;  // label and class of a neighbour

// Per class: it has members, the smallest is its representative, the size is right; classes are
// numbered in order of their representatives.
bool is_well_formed(const Partition& partition, std::span<const std::uint64_t> colours) {
  if (partition.class_of.size() != colours.size()) return false;
  if (partition.representative.size() != partition.class_size.size()) return false;
  std::vector<std::uint32_t> missing = partition.class_size;
  std::uint32_t next_class = 0;
  for (std::uint32_t vertex = 0; vertex < colours.size(); ++vertex) {
    const std::uint32_t id = partition.class_of[vertex];
    if (id >= missing.size() || id > next_class) return false;
    if (id == next_class && partition.representative[next_class++] != vertex) return false;
    if (colours[vertex] != colours[partition.representative[id]]) return false;
    --missing[id];
  }
  return std::all_of(missing.begin(), missing.end(), [](std::uint32_t n) { return n == 0; });
}

// As a rule the edges of all of a class come in the same order; else both are sorted.
bool alike(std::span<Sight> a, std::span<Sight> b) {
  if (a.size() != b.size()) return false;
  if (std::equal(a.begin(), a.end(), b.begin())) return true;
  for (const std::span<Sight> row : {a, b})
    if (!std::is_sorted(row.begin(), row.end())) std::sort(row.begin(), row.end());
  return std::equal(a.begin(), a.end(), b.begin());
}

}  // namespace

bool is_equitable(const Partition& partition, std::span<const std::uint64_t> initial_colours,
                  std::span<const LabelledEdge> edges) {
  if (!is_well_formed(partition, initial_colours)) return false;
  const std::size_t count = initial_colours.size();
  std::vector<std::size_t> end(count + 1, 0);
  for (const LabelledEdge& edge : edges) {
    if (edge.a >= count || edge.b >= count) return false;
    ++end[edge.a + 1];
    ++end[edge.b + 1];
  }
  for (std::size_t i = 0; i < count; ++i) end[i + 1] += end[i];
  std::vector<std::size_t> next(end.begin(), end.end() - 1);
  std::vector<Sight> sights(2 * edges.size());
  for (const LabelledEdge& edge : edges) {
    sights[next[edge.a]++] = {edge.label_ab, partition.class_of[edge.b]};
    sights[next[edge.b]++] = {edge.label_ba, partition.class_of[edge.a]};
  }
  const auto sights_of = [&](std::size_t vertex) {
    return std::span{sights}.subspan(end[vertex], end[vertex + 1] - end[vertex]);
  };
  for (std::size_t vertex = 0; vertex < count; ++vertex) {
    const std::uint32_t model = partition.representative[partition.class_of[vertex]];
    if (!alike(sights_of(vertex), sights_of(model))) return false;
  }
  return true;
}

}  // namespace sim
